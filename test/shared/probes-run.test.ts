import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { CheckResult } from '#shared/domain/probe.ts';
import { TransientError } from '#shared/errors.ts';
import { defineCheck, fail } from '#shared/probes/check.ts';
import { type RunReport, runReport, runSuite } from '#shared/probes/run.ts';
import { parseSuite } from '#shared/probes/suite.ts';
import { probeHouse, suiteOf } from '#test/support/probe-house.ts';

const statuses = ({ results }: RunReport): Record<string, string> =>
  Object.fromEntries(results.map(({ check_id, status }) => [check_id, status]));
const resultOf = ({ results }: RunReport, id: string): CheckResult => {
  const found = results.find(({ check_id }) => check_id === id);
  if (found === undefined) throw new Error(`no result of ${id}`);
  return found;
};

describe('a run', () => {
  test('looks at each check once when all is well', async () => {
    const house = probeHouse();
    const report = await house.run(suiteOf(['a', 'b', 'c needs a b']));
    expect(report).toMatchObject({ suite: 'local', run_id: 'run-1', verdict: 'passed' });
    expect(statuses(report)).toEqual({ a: 'pass', b: 'pass', c: 'pass' });
    expect([...house.attempts.values()]).toEqual([1, 1, 1]);
    expect(house.clock.pending()).toBe(0);
  });

  test('what needs something that does not pass is skipped, and what needs that', async () => {
    const report = await probeHouse({ a: ['fail'] }).run(suiteOf(['a', 'b needs a', 'c needs b', 'd']));
    expect(statuses(report)).toEqual({ a: 'fail', b: 'skipped', c: 'skipped', d: 'pass' });
    expect(resultOf(report, 'b')).toMatchObject({ attempts: 0, evidence: { because: 'a', its_status: 'fail' } });
    expect(resultOf(report, 'c').evidence).toEqual({ because: 'b', its_status: 'skipped' });
  });

  test.each([
    [['fail', 'pass'], 'pass', 2],
    [['fail', 'fail', 'pass'], 'pass', 3],
    [['fail', 'error', 'fail'], 'fail', 3],
    [['error'], 'error', 3],
  ] as const)('%j, confirmed twice: %s after %d looks', async (moves, status, attempts) => {
    const report = await probeHouse({ a: moves }).run(suiteOf(['a; confirm: { times: 2, pause_ms: 500 }']));
    expect(resultOf(report, 'a')).toMatchObject({ status, attempts });
    expect(report.duration_ms).toBeGreaterThanOrEqual((attempts - 1) * 500);
  });

  test('what could not be looked at says so, and keeps the words of a bug to itself', async () => {
    const report = await probeHouse({ a: ['error'], b: ['bug'] }).run(suiteOf(['a', 'b']));
    expect(resultOf(report, 'a')).toMatchObject({
      status: 'error',
      evidence: { code: 'cluster_unreachable', reason: 'nobody answers' },
    });
    expect(resultOf(report, 'b').evidence).toMatchObject({ code: 'internal' });
    expect(JSON.stringify(report)).not.toContain('secret');
  });

  test('whatever a check has kept of what others said fits on record, and moves no cursor', async () => {
    const { tools, clock } = probeHouse();
    const odd = defineCheck({
      kind: 'odd',
      on: 'loop',
      spec: z.strictObject({ throws: z.boolean() }),
      observe: async ({ throws }) => {
        if (throws) throw new TransientError('cluster_unreachable', `\u001b[2J${'x'.repeat(400)}`);
      },
      judge: () => fail({ long: 'x'.repeat(400), moves: 'a\u001b[2Jb\nc', none: Number.NaN }, 'y'.repeat(600)),
    });
    const check = (id: string, throws: boolean) => ({ id, kind: 'odd', target: 'here', category: 'x', throws });
    const text = JSON.stringify({
      suite: 'odd',
      period_s: 60,
      deadline_s: 20,
      confirm: { times: 0, pause_ms: 0 },
      targets: { here: { loop: true } },
      checks: [check('fails', false), check('throws', true)],
    });
    const suite = parseSuite(text, 'odd.yaml', { kinds: { odd }, variables: {}, loopback: true });
    const { signal } = new AbortController();
    const report = await runSuite({ suite, tools, runId: `odd-${clock.now()}`, signal, only: null });
    const [fails, throws] = runReport.parse(JSON.parse(JSON.stringify(report))).results;
    expect(fails?.evidence).toEqual({ long: `${'x'.repeat(299)}…`, moves: 'a [2Jb c', none: 'NaN' });
    expect(fails?.remedy).toBe(`${'y'.repeat(499)}…`);
    expect(throws?.evidence['reason']).toBe(` [2J${'x'.repeat(295)}…`);
  });

  test('one that hangs costs its own deadline, and no other check anything', async () => {
    const report = await probeHouse({ a: ['hang'], b: [100] }).run(suiteOf(['a; deadline_s: 2', 'b']));
    expect(resultOf(report, 'a')).toMatchObject({ status: 'error', evidence: { code: 'deadline_exceeded' } });
    expect(resultOf(report, 'b')).toMatchObject({ status: 'pass', latency_ms: 100 });
    expect(report.duration_ms).toBeGreaterThan(2_000);
    expect(report.duration_ms).toBeLessThan(2_500);
  });

  test('the whole run ends by its deadline, and what had no turn says so', async () => {
    const ids = ['a', 'b', 'c', 'd'];
    const house = probeHouse(Object.fromEntries(ids.map((id) => [id, ['hang' as const]])));
    const report = await house.run(suiteOf(ids, 'concurrency: 1\ncheck_deadline_s: 8'));
    expect(report.duration_ms).toBeLessThan(21_000);
    expect(resultOf(report, 'd')).toMatchObject({
      status: 'error',
      attempts: 0,
      evidence: { reason: 'no time was left in this run' },
    });
    expect(report.verdict).toBe('could_not_run');
    expect(house.clock.pending()).toBe(0);
  });

  test('no more at a time than the suite says, and a pause holds no place', async () => {
    const ids = Array.from({ length: 12 }, (_, index) => `c${index}`);
    const house = probeHouse(Object.fromEntries(ids.map((id) => [id, [100]])));
    const report = await house.run(suiteOf(ids, 'concurrency: 4'));
    expect(house.most()).toBe(4);
    expect(report.duration_ms).toBeGreaterThanOrEqual(300);
    const pausing = probeHouse({ a: ['fail'] });
    const paused = await pausing.run(suiteOf(['a; confirm: { times: 1, pause_ms: 5000 }', 'b'], 'concurrency: 1'));
    expect(resultOf(paused, 'b').observed_at < resultOf(paused, 'a').observed_at).toBe(true);
  });

  test('broken off, it ends at once', async () => {
    const breaking = new AbortController();
    const house = probeHouse({ a: ['hang'] });
    house.clock.after(1_000, () => breaking.abort());
    const report = await house.run(suiteOf(['a; confirm: { times: 3, pause_ms: 100 }', 'b needs a']), {
      signal: breaking.signal,
    });
    expect(report.duration_ms).toBeLessThan(1_200);
  });

  test('only those asked for, with those they need', async () => {
    const report = await probeHouse().run(suiteOf(['a', 'b needs a', 'c', 'd needs b']), { only: ['b'] });
    expect(statuses(report)).toEqual({ a: 'pass', b: 'pass' });
  });

  test.each([
    ['all pass', {}, 'passed'],
    ['something critical fails', { a: ['fail'] }, 'failed'],
    ['a warning', { w: ['fail'] }, 'degraded'],
    ['something cannot be looked at', { a: ['error'] }, 'degraded'],
    ['nothing can', { a: ['error'], b: ['error'], w: ['error'] }, 'could_not_run'],
    ['what is in maintenance fails', { m: ['fail'] }, 'passed'],
  ] as const)('%s: %j is %s', async (_, script, verdict) => {
    const maintenance =
      'maintenance: [{ from: "2026-01-01T00:00:00Z", until: "2026-01-02T00:00:00Z", checks: [m], reason: upgrade }]';
    const report = await probeHouse(script).run(suiteOf(['a', 'b', 'w; severity: warning', 'm'], maintenance));
    expect(report.verdict).toBe(verdict);
  });
});
