import { describe, expect, test } from 'vitest';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { evidence } from '#shared/domain/probe.ts';
import { schedulerCheck } from '#shared/probes/checks/scheduler.ts';
import type { HttpSeen } from '#shared/probes/tools.ts';
import { fakeClock } from '#test/support/clock.ts';
import { answered, toldHttp, toolsOf } from '#test/support/probe-tools.ts';

const NOW = Date.UTC(2026, 0, 1);
const TARGET = { url: 'http://scheduler.example:9091', reach: { private: true, loopback: false } };

async function look(spec: object, answers: readonly HttpSeen[]) {
  const clock = fakeClock(NOW);
  const { http, asked } = toldHttp(answers);
  const context = { deadline: NOW + 60_000, signal: new AbortController().signal };
  const pending = schedulerCheck.bind(spec, TARGET)(toolsOf(clock, { http }), context);
  // What is judged is judged at that time: seconds later than what is told here, where two looks were taken.
  const settled = pending.then(
    () => undefined,
    () => undefined,
  );
  for (let ms = 0; ms < 10_000; ms += 1_000) await clock.advance(1_000);
  await settled;
  expect(clock.pending()).toBe(0);
  const verdict = await pending;
  expect(evidence.parse(verdict.evidence)).toEqual(verdict.evidence);
  return { verdict, paths: asked.map(({ url }) => url.slice(TARGET.url.length)) };
}

interface Said {
  status?: string;
  uptime?: unknown;
  lastTick?: unknown;
  namespaces?: unknown;
}
const namespace = (ageS: number, more: object = {}) => ({
  lastAnchor: rfc3339(NOW - ageS * 1_000),
  backoff: 0,
  status: 'ok',
  ...more,
});
const health = (said: Said = {}, status = 200): HttpSeen =>
  answered(
    {
      status: 'ok',
      uptime: 3_600.5,
      lastTick: rfc3339(NOW - 2_000),
      namespaces: { dao: namespace(60), fin: namespace(3_600) },
      ...said,
    },
    { status },
  );
const metrics = (dao: number, fin: number): HttpSeen =>
  answered(
    `vmsh_anchors_succeeded_total{namespace="dao",cadence="fast",target="a"} ${dao}\n` +
      `vmsh_anchors_succeeded_total{namespace="fin",cadence="fast",target="a"} ${fin}\n`,
  );
const SEEN = { status: 200, says: 'ok', uptime_s: 3_600.5, namespaces: 2, tick_age_s: 2 };

describe('one that anchors', () => {
  test('is looked at once', async () => {
    const { verdict, paths } = await look({}, [health()]);
    expect(verdict).toEqual({ status: 'pass', evidence: SEEN, remedy: null });
    expect(paths).toEqual(['/health']);
  });

  test.each<[string, Said]>([
    ['healthy', { status: 'healthy' }],
    ['seconds', { lastTick: NOW / 1_000 - 2 }],
    ['milliseconds', { lastTick: NOW - 2_000 }],
    [
      'anchors by cadence, the latest of which counts',
      {
        namespaces: {
          a: { lastAnchor: { fast: NOW / 1_000 - 9, cold: NOW / 1_000 - 99_999 }, backoff: 0, status: 'ok' },
        },
      },
    ],
  ])('in other words: %s', async (_, said) => {
    expect((await look({}, [health(said)])).verdict.status).toBe('pass');
  });

  test('rarely, but between two looks', async () => {
    const old = health({ namespaces: { dao: namespace(60), fin: namespace(9_000) } });
    const { verdict, paths } = await look({ apart_s: 5 }, [old, metrics(1, 1), metrics(1, 2)]);
    expect(verdict.status).toBe('pass');
    expect(paths).toEqual(['/health', '/metrics', '/metrics']);
  });
});

describe('one that does not', () => {
  const sick = namespace(9_000, { backoff: 4, status: 'backing_off' });
  test.each<[string, object, HttpSeen[], object, RegExp]>([
    [
      'backs off, and says so with 503',
      {},
      [health({ status: 'degraded', namespaces: { dao: namespace(60), fin: sick } }, 503)],
      { ...SEEN, status: 503, says: 'degraded', not_ok: 'fin backing_off (backoff 4)', old: 'fin 9000 s' },
      /fail or are late/,
    ],
    [
      'is stale, and says so with 200',
      {},
      [health({ namespaces: { dao: namespace(5_000, { status: 'stale' }) } })],
      { ...SEEN, namespaces: 1, not_ok: 'dao stale (backoff 0)', old: 'dao 5000 s' },
      /fail or are late/,
    ],
    [
      'calls itself well with old anchors',
      {},
      [health({ namespaces: { dao: namespace(3_601), fin: namespace(60) } })],
      { ...SEEN, old: 'dao 3601 s', max_anchor_age_s: 3_600 },
      /get no anchors/,
    ],
    [
      'has never anchored',
      {},
      [health({ namespaces: { dao: namespace(0, { lastAnchor: null }), fin: namespace(0, { lastAnchor: {} }) } })],
      { ...SEEN, old: 'dao never, fin never', max_anchor_age_s: 3_600 },
      /get no anchors/,
    ],
    [
      'does so of another namespace between two looks',
      { apart_s: 5 },
      [health({ namespaces: { dao: namespace(60), fin: namespace(9_000) } }), metrics(1, 1), metrics(2, 1)],
      // Judged five seconds later.
      { ...SEEN, tick_age_s: 7, old: 'fin 9005 s', max_anchor_age_s: 3_600 },
      /get no anchors/,
    ],
    [
      'has no metrics to tell by',
      { apart_s: 5 },
      [health({ namespaces: { fin: namespace(9_000) } }), answered('<html>')],
      { ...SEEN, namespaces: 1, tick_age_s: 7, old: 'fin 9005 s', max_anchor_age_s: 3_600 },
      /get no anchors/,
    ],
    [
      'has just started',
      {},
      [health({ status: 'unhealthy', uptime: 3, lastTick: 0, namespaces: {} }, 503)],
      { status: 503, says: 'unhealthy', uptime_s: 3, namespaces: 0, tick_age_s: null },
      /does not tick/,
    ],
    ['hangs', {}, [health({ lastTick: NOW - 61_000 })], { ...SEEN, tick_age_s: 61 }, /does not tick/],
    [
      'has lost its state',
      {},
      [health({ namespaces: {} })],
      { ...SEEN, namespaces: 0, expected_namespaces: 1 },
      /fewer/,
    ],
    ['anchors fewer than it should', { min_namespaces: 3 }, [health()], { ...SEEN, expected_namespaces: 3 }, /fewer/],
    ['says 503 of nothing', {}, [health({}, 503)], { ...SEEN, status: 503 }, /not healthy though/],
    [
      'says a word of nothing',
      {},
      [health({ status: 'degraded' })],
      { ...SEEN, says: 'degraded' },
      /not healthy though/,
    ],
  ])('%s', async (_, spec, answers, expected, remedy) => {
    const { verdict } = await look(spec, answers);
    expect(verdict).toEqual({ status: 'fail', evidence: expected, remedy: expect.stringMatching(remedy) });
  });

  test.each<[string, HttpSeen, object, RegExp]>([
    ['a page', answered('<html>'), { status: 200, content_type: 'application/json' }, /not the scheduler's/],
    ['another service', answered({ status: 'ok', providers: {} }), { status: 200 }, /not the scheduler's/],
    ['a balancer without it', answered('no healthy upstream', { status: 503 }), { status: 503 }, /log/],
    ['nobody at that path', answered('', { status: 404 }), { status: 404 }, /path is not there/],
    [
      'nobody',
      { answered: false, reason: 'reset', detail: 'as told', ms: 1 },
      { reason: 'reset' },
      /closed the connection/,
    ],
  ])('%s answers', async (_, seen, expected, remedy) => {
    const { verdict } = await look({}, [seen]);
    expect(verdict).toMatchObject({ status: 'fail', evidence: expected, remedy: expect.stringMatching(remedy) });
  });

  test('a hundred sick namespaces make no long evidence', async () => {
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`namespace-${i}`, sick]));
    const { verdict } = await look({}, [health({ namespaces: many })]);
    expect(String(verdict.evidence['not_ok']).length).toBeLessThanOrEqual(280);
  });
});
