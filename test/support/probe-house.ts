/** Suites of checks that do as they are told, and the tools that they are handed. */
import { setImmediate as turn } from 'node:timers/promises';
import { z } from 'zod';
import { TransientError } from '#shared/errors.ts';
import { type CheckContext, defineCheck, fail, pass, type Verdict } from '#shared/probes/check.ts';
import { type RunReport, runSuite } from '#shared/probes/run.ts';
import { parseSuite, type Suite } from '#shared/probes/suite.ts';
import type { ProbeTools } from '#shared/probes/tools.ts';
import { type FakeClock, fakeClock } from './clock.ts';

/** What one attempt does: passes, fails, cannot look, throws what nobody expects, never ends, or takes so many milliseconds and passes. */
export type Move = 'pass' | 'fail' | 'error' | 'bug' | 'hang' | number;

export interface ProbeHouse {
  readonly clock: FakeClock;
  readonly tools: ProbeTools;
  /** Attempts so far, by the check's own `name`. */
  readonly attempts: ReadonlyMap<string, number>;
  /** Under way at once, at most. */
  most(): number;
  suite(text: string): Suite;
  /** Time goes on until the run has ended. */
  run(text: string, options?: { readonly only?: readonly string[]; readonly signal?: AbortSignal }): Promise<RunReport>;
}

const unused = (): never => {
  throw new Error('this check looks with no tool');
};

/** @param script moves of a check, in turn, by its `name`; the last one stays. Default: it passes. */
export function probeHouse(script: Readonly<Record<string, readonly Move[]>> = {}): ProbeHouse {
  const clock = fakeClock();
  const attempts = new Map<string, number>();
  let [underWay, most] = [0, 0];
  const tools: ProbeTools = {
    hostClock: clock,
    stopwatchMs: clock.now,
    http: unused,
    tls: unused,
    dns: unused,
    kubernetes: unused,
    loop: null,
    publishJob: null,
  };
  const take = async (move: Move, { deadline, signal }: CheckContext): Promise<Verdict> => {
    if (move === 'pass') return pass({ move });
    if (move === 'fail') return fail({ move }, 'Make it pass.');
    if (move === 'error') throw new TransientError('cluster_unreachable', 'nobody answers');
    if (move === 'bug') throw new Error('secret words');
    const waited = Promise.withResolvers<void>();
    signal.addEventListener('abort', () => waited.resolve(), { once: true });
    if (move !== 'hang') clock.after(Math.min(move, deadline - clock.now()), waited.resolve);
    await waited.promise;
    return pass({ move });
  };
  const scripted = defineCheck({
    kind: 'scripted',
    on: 'loop',
    spec: z.strictObject({ name: z.string() }),
    async observe({ name }, _target, _tools, context): Promise<Verdict> {
      const moves = script[name] ?? ['pass'];
      const at = attempts.get(name) ?? 0;
      attempts.set(name, at + 1);
      underWay += 1;
      most = Math.max(most, underWay);
      try {
        return await take(moves[Math.min(at, moves.length - 1)] ?? 'pass', context);
      } finally {
        underWay -= 1;
      }
    },
    judge: (_spec, seen) => seen,
  });
  const suite = (text: string): Suite =>
    parseSuite(text, 'suite.yaml', { kinds: { scripted }, variables: {}, loopback: true });
  return {
    clock,
    tools,
    attempts,
    most: () => most,
    suite,
    async run(text, { only, signal = new AbortController().signal } = {}) {
      let report: RunReport | null = null;
      const running = runSuite({
        suite: suite(text),
        tools,
        runId: 'run-1',
        signal,
        only: only === undefined ? null : new Set(only),
      }).then((done) => {
        report = done;
        return done;
      });
      for (let turns = 0; report === null && turns < 100_000; turns += 1) {
        await turn();
        if (report === null) await clock.advance(10);
      }
      return await running;
    },
  };
}

/** A suite of scripted checks: `id`, or `id needs a b`, with more fields behind a semicolon. */
export const suiteOf = (lines: readonly string[], head = ''): string =>
  [
    'suite: local',
    'period_s: 60',
    'deadline_s: 20',
    'confirm: { times: 0, pause_ms: 0 }',
    head,
    'targets: { self: { loop: true } }',
    'checks:',
    ...lines.map((line) => {
      const [said = '', more = ''] = line.split(';');
      const [id = '', , ...needs] = said.trim().split(' ');
      return `  - { id: ${id}, name: ${id}, kind: scripted, target: self, category: tests, needs: [${needs.join(', ')}]${more === '' ? '' : `, ${more.trim()}`} }`;
    }),
  ].join('\n');
