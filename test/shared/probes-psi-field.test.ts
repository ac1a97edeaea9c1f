import { expect, test } from 'vitest';
import { evidence } from '#shared/domain/probe.ts';
import { psiFieldCheck } from '#shared/probes/checks/psi-field.ts';
import type { HttpSeen } from '#shared/probes/tools.ts';
import { fakeClock } from '#test/support/clock.ts';
import { answered, toldHttp, toolsOf } from '#test/support/probe-tools.ts';

const NOW = Date.UTC(2026, 0, 1);
const TARGET = { url: 'http://psi-field.example:8000', reach: { private: true, loopback: false } };

async function look(spec: object, answers: readonly HttpSeen[], deadlineMs = 60_000) {
  const clock = fakeClock(NOW);
  const { http, asked } = toldHttp(answers);
  const context = { deadline: NOW + deadlineMs, signal: new AbortController().signal };
  const pending = psiFieldCheck.bind(spec, TARGET)(toolsOf(clock, { http }), context);
  const settled = pending.then(
    () => undefined,
    () => undefined,
  );
  await clock.advance(30_000);
  await settled;
  expect(clock.pending()).toBe(0);
  const verdict = await pending;
  expect(evidence.parse(verdict.evidence)).toEqual(verdict.evidence);
  return { verdict, paths: asked.map(({ url }) => url.slice(TARGET.url.length)) };
}

const health = (more: object = {}): HttpSeen =>
  answered({ status: 'healthy', import_success: true, engine_initialized: true, timestamp: 'x', ...more });
const state = (k: unknown, PE: unknown = 0.4): HttpSeen =>
  answered({ Psi: 0.5, C: 0.6, U: 0.1, Phi: 0.9, H: 1.2, PE, M: 0.3, dt_eff: 1, k, timestamp: 'x' });
const WELL = { says: 'healthy', import_success: true, engine_initialized: true };

test('one that computes', async () => {
  const { verdict, paths } = await look({}, [health(), state(10, 2), state(12, 1.49)]);
  expect(verdict).toEqual({
    status: 'pass',
    evidence: { ...WELL, k: 10, k_later: 12, prediction_error: 1.49 },
    remedy: null,
  });
  expect(paths).toEqual(['/health', '/state', '/state']);
});

test('its step is not looked at twice where that is not asked for', async () => {
  const { verdict, paths } = await look({ apart_s: 0 }, [health(), state(10)]);
  expect(verdict).toMatchObject({ status: 'pass', evidence: { k: 10, prediction_error: 0.4 } });
  expect(paths).toEqual(['/health', '/state']);
});

test.each<[string, HttpSeen[], object, RegExp]>([
  [
    'healthy in its own words, with made-up values',
    [health({ import_success: false }), state(1), state(2)],
    { ...WELL, import_success: false },
    /made up/,
  ],
  [
    'without the field that tells',
    [answered({ status: 'healthy', engine_initialized: true }), state(1), state(2)],
    { ...WELL, import_success: null },
    /made up/,
  ],
  [
    'not begun',
    [health({ engine_initialized: false }), state(1), state(2)],
    { ...WELL, engine_initialized: false },
    /not begun/,
  ],
  [
    'unwell in its own words',
    [health({ status: 'degraded' }), state(1), state(2)],
    { ...WELL, says: 'degraded' },
    /not healthy/,
  ],
  [
    'standing still',
    [health(), state(10), state(10)],
    { ...WELL, k: 10, k_later: 10, prediction_error: 0.4 },
    /does not advance/,
  ],
  [
    'begun anew between two looks',
    [health(), state(10), state(3)],
    { ...WELL, k: 10, k_later: 3, prediction_error: 0.4 },
    /does not advance/,
  ],
  [
    'off in its predictions',
    [health(), state(10), state(11, 1.5)],
    { ...WELL, k: 10, k_later: 11, prediction_error: 1.5, max_prediction_error: 1.5 },
    /predictions are off/,
  ],
  [
    'without a prediction error',
    [health(), state(10), state(11, 'NaN')],
    { ...WELL, k: 10, k_later: 11, prediction_error: null },
    /lacks k or PE/,
  ],
  [
    'without a step',
    [health(), state(null), state(11)],
    { ...WELL, k: null, k_later: 11, prediction_error: 0.4 },
    /lacks k/,
  ],
  [
    'a page',
    [answered('<html>', { headers: { 'content-type': 'text/html' } })],
    { status: 200, content_type: 'text/html' },
    /no JSON/,
  ],
  ['an error', [answered('', { status: 500 })], { status: 500 }, /log/],
  [
    'away',
    [{ answered: false, reason: 'refused', detail: 'as told', ms: 1 }],
    { reason: 'refused', detail: 'as told', ms: 1 },
    /Nothing listens/,
  ],
  ['an error at its state', [health(), answered('', { status: 503 })], { ...WELL, status: 503, path: '/state' }, /log/],
  [
    'away at the second look',
    [health(), state(10), { answered: false, reason: 'timeout', detail: 'as told', ms: 1 }],
    { ...WELL, reason: 'timeout', detail: 'as told', ms: 1, path: '/state' },
    /in time/,
  ],
])('one that is %s', async (_, answers, expected, remedy) => {
  const { verdict } = await look({}, answers);
  expect(verdict).toEqual({ status: 'fail', evidence: expected, remedy: expect.stringMatching(remedy) });
});

test('nothing is known of its step where there is no time for two looks', async () => {
  await expect(look({ apart_s: 5 }, [health(), state(1)], 4_000)).rejects.toMatchObject({ code: 'deadline_exceeded' });
});
