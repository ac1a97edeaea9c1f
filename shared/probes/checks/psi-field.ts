/**
 * psi-field really computes: its engine was loaded, its step advances, its prediction error is small. It calls itself healthy also
 * while it serves made-up values, so what it calls itself is the least of it.
 */
import { z } from 'zod';
import type { Evidence } from '#shared/domain/probe.ts';
import { path } from '../answer-spec.ts';
import { defineCheck, fail, pass, type Verdict } from '../check.ts';
import { apart } from '../looks.ts';
import { requestTo } from '../request.ts';
import { fieldAt, jsonOf, notAnswered, remedyOfStatus, shown } from '../seen.ts';
import type { HttpSeen } from '../tools.ts';

const spec = z.strictObject({
  health_path: path.default('/health'),
  state_path: path.default('/state'),
  /** Between two looks at its step; 0: whether it advances is not looked at. */
  apart_s: z.number().min(0).max(600).default(5),
  // Its operators' own alert fires above it.
  max_prediction_error: z.number().gt(0).max(1_000).default(1.5),
});
type Spec = z.infer<typeof spec>;

interface Seen {
  readonly health: HttpSeen;
  readonly first: HttpSeen | null;
  readonly second: HttpSeen | null;
}

const MAX_BYTES = 65_536;

export const psiFieldCheck = defineCheck({
  kind: 'psi_field',
  on: 'url',
  spec,
  async observe(wanted: Spec, target, tools, context): Promise<Seen> {
    const get = (at: string): Promise<HttpSeen> => tools.http(requestTo(target, at, { maxBytes: MAX_BYTES }), context);
    const health = await get(wanted.health_path);
    if (!isWell(health)) return { health, first: null, second: null };
    const first = await get(wanted.state_path);
    if (!isWell(first) || wanted.apart_s === 0) return { health, first, second: null };
    await apart(wanted.apart_s, tools, context);
    return { health, first, second: await get(wanted.state_path) };
  },
  judge(wanted, { health, first, second }): Verdict {
    const said = bodyOf(health);
    if ('verdict' in said) return said.verdict;
    const evidence: Evidence = {
      says: shown(fieldAt(said.body, 'status'), 40),
      import_success: flagOf(said.body, 'import_success'),
      engine_initialized: flagOf(said.body, 'engine_initialized'),
    };
    if (evidence['import_success'] !== true)
      return fail(
        evidence,
        'Its engine was not loaded, so the values that it serves are made up: see the import error at the start of its log.',
      );
    if (evidence['engine_initialized'] !== true)
      return fail(evidence, 'Its engine is loaded but not begun: look at its log, and restart it if it stays so.');
    if (evidence['says'] !== 'healthy') return fail(evidence, 'It calls itself not healthy: look at its log.');

    const states = [first, second].flatMap((seen) => (seen === null ? [] : [bodyOf(seen)]));
    const bad = states.find((state) => 'verdict' in state);
    if (bad !== undefined && 'verdict' in bad)
      return { ...bad.verdict, evidence: { ...evidence, ...bad.verdict.evidence, path: shown(wanted.state_path) } };
    const bodies = states.flatMap((state) => ('body' in state ? [state.body] : []));
    return judgeStates(wanted, bodies, evidence);
  },
});

function judgeStates(wanted: Spec, bodies: readonly unknown[], before: Evidence): Verdict {
  const steps = bodies.map((body) => numberOf(body, 'k'));
  const told = numberOf(bodies.at(-1), 'PE');
  const error = told === null ? null : Math.round(told * 1_000) / 1_000;
  const [k = null, later = null] = steps;
  const evidence: Evidence = {
    ...before,
    k,
    ...(bodies.length > 1 ? { k_later: later } : {}),
    prediction_error: error,
  };
  if (error === null || steps.includes(null))
    return fail(evidence, 'Its state lacks k or PE: see which version answers, and whether it is psi-field.');
  if (error >= wanted.max_prediction_error)
    return fail(
      { ...evidence, max_prediction_error: wanted.max_prediction_error },
      'Its predictions are off: look at what it is fed; GET /guardian/statistics tells whether its guardian steps in.',
    );
  if (k !== null && later !== null && later <= k)
    return fail(evidence, 'Its step does not advance: see whether what feeds POST /step still runs, then restart it.');
  return pass(evidence);
}

const isWell = (seen: HttpSeen): boolean => seen.answered && seen.status === 200;

function bodyOf(seen: HttpSeen): { readonly body: unknown } | { readonly verdict: Verdict } {
  if (!seen.answered) return { verdict: notAnswered(seen) };
  if (seen.status !== 200) return { verdict: fail({ status: seen.status }, remedyOfStatus(seen.status)) };
  const body = jsonOf(seen.body);
  if (typeof body === 'object' && body !== null) return { body };
  return {
    verdict: fail(
      { status: seen.status, content_type: shown(seen.headers['content-type'], 60) },
      'Its answer is no JSON: see which service answers there.',
    ),
  };
}

function flagOf(body: unknown, name: string): boolean | null {
  const value = fieldAt(body, name);
  return typeof value === 'boolean' ? value : null;
}

function numberOf(body: unknown, name: string): number | null {
  const value = fieldAt(body, name);
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
