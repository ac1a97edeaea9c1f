import { describe, expect, test } from 'vitest';
import { evidence } from '#shared/domain/probe.ts';
import { metricsCheck } from '#shared/probes/checks/metrics.ts';
import type { HttpSeen } from '#shared/probes/tools.ts';
import { fakeClock } from '#test/support/clock.ts';
import { answered, toldHttp, toolsOf, within } from '#test/support/probe-tools.ts';

const NOW = Date.UTC(2026, 0, 1);
const TARGET = { url: 'http://scheduler.example:9091', reach: { private: true, loopback: false } };
const text = (body: string): HttpSeen => answered(body, { headers: { 'content-type': 'text/plain' } });

/** The deadline is of a clock that stands, save where a pause is waited for. */
async function look(spec: object, answers: readonly HttpSeen[], deadlineMs = 60_000) {
  const clock = fakeClock(NOW);
  const { http, asked } = toldHttp(answers);
  const context = { deadline: NOW + deadlineMs, signal: new AbortController().signal };
  const pending = metricsCheck.bind(spec, TARGET)(toolsOf(clock, { http }), context);
  const settled = pending.then(
    () => undefined,
    () => undefined,
  );
  await clock.advance(30_000);
  await settled;
  expect(clock.pending()).toBe(0);
  const verdict = await pending;
  expect(evidence.parse(verdict.evidence)).toEqual(verdict.evidence);
  return { verdict, asked };
}
const of = (...series: object[]) => ({ series });

const PAGE = [
  '# TYPE vmsh_anchors_succeeded_total counter',
  'vmsh_anchors_succeeded_total{namespace="dao",target="btc"} 5',
  'vmsh_anchors_succeeded_total{namespace="fin",target="btc"} 7',
  'vmsh_backoff_state{namespace="dao"} 0',
  `vmsh_fresh 1 ${NOW - 60_000}`,
  `vmsh_old 1 ${NOW - 301_000}`,
  'vmsh_none NaN',
].join('\n');

describe('series', () => {
  test('that are there, in bounds, fresh', async () => {
    const { verdict, asked } = await look(
      of(
        { name: 'vmsh_anchors_succeeded_total', labels: { namespace: 'dao' }, min: 5, max: 5 },
        { name: 'vmsh_backoff_state', max: 0 },
        { name: 'vmsh_fresh' },
        { name: 'vmsh_none' },
      ),
      [text(PAGE)],
    );
    expect(verdict).toEqual({ status: 'pass', evidence: { samples: 6, ms: 12.3, series: 4 }, remedy: null });
    expect(asked).toMatchObject([{ url: 'http://scheduler.example:9091/metrics', method: 'GET', reach: TARGET.reach }]);
  });

  test.each<[string, object, object, RegExp]>([
    ['not there', { name: 'vmsh_gone' }, { series: 'vmsh_gone', found: 0, with_other_labels: 0 }, /not there/],
    [
      'there with other labels alone',
      { name: 'vmsh_backoff_state', labels: { namespace: 'fin' } },
      { series: 'vmsh_backoff_state{namespace="fin"}', found: 0, with_other_labels: 1 },
      /not there/,
    ],
    [
      'out of bounds, one of them',
      { name: 'vmsh_anchors_succeeded_total', max: 6 },
      { series: 'vmsh_anchors_succeeded_total', value: 7, expected: '-Infinity to 6' },
      /out of its bounds/,
    ],
    [
      'no number',
      { name: 'vmsh_none', min: 0 },
      { series: 'vmsh_none', value: 'NaN', expected: '0 to Infinity' },
      /bounds/,
    ],
    ['old', { name: 'vmsh_old' }, { series: 'vmsh_old', age_s: 301, max_age_s: 300 }, /old one/],
    [
      'older than asked for',
      { name: 'vmsh_fresh', max_age_s: 59 },
      { series: 'vmsh_fresh', age_s: 60, max_age_s: 59 },
      /old/,
    ],
  ])('%s', async (_, one, expected, remedy) => {
    const { verdict } = await look(of({ name: 'vmsh_fresh' }, one), [text(PAGE)]);
    expect(verdict).toEqual({
      status: 'fail',
      evidence: { samples: 6, ms: 12.3, ...expected },
      remedy: expect.stringMatching(remedy),
    });
  });
});

describe('a series that is to move', () => {
  const ANCHORS = { name: 'vmsh_anchors_succeeded_total', moves: true };
  const then = (from: string, to: string): HttpSeen[] => [text(PAGE), text(PAGE.replace(from, to))];

  test('does: one of it', async () => {
    const { verdict, asked } = await look(of(ANCHORS), then('"btc"} 7', '"btc"} 8'));
    expect(verdict.status).toBe('pass');
    expect(asked).toHaveLength(2);
  });

  test('stands still, though another one moves', async () => {
    const { verdict } = await look(of({ ...ANCHORS, labels: { namespace: 'dao' } }), then('"btc"} 7', '"btc"} 8'));
    expect(verdict).toEqual({
      status: 'fail',
      evidence: {
        samples: 6,
        ms: 12.3,
        series: 'vmsh_anchors_succeeded_total{namespace="dao"}',
        found: 1,
        value: 5,
        moves: false,
      },
      remedy: expect.stringMatching(/stands still/),
    });
  });

  test('is away at the second look', async () => {
    const { verdict } = await look(of(ANCHORS), [text(PAGE), answered('', { status: 500 })]);
    expect(verdict).toMatchObject({ status: 'fail', evidence: { status: 500 } });
  });

  test.each([
    ['the first', 1_001, 3],
    ['the second', 3, 1_001],
  ])('are all there, but %s scrape takes more than a second', async (_, one, other) => {
    const scrapes = [
      answered(PAGE, { ms: one }),
      answered(PAGE.replace('namespace="dao",target="btc"} 5', 'namespace="dao",target="btc"} 6'), { ms: other }),
    ];
    const { verdict } = await look({ ...of(ANCHORS), max_ms: 1_000 }, scrapes);
    expect(verdict).toEqual({
      status: 'fail',
      evidence: { samples: 6, ms: other, slowest_ms: 1_001, max_ms: 1_000 },
      remedy: expect.stringMatching(/takes too long/),
    });
    expect((await look({ ...of(ANCHORS), max_ms: 1_001 }, scrapes)).verdict.status).toBe('pass');
  });

  test('cannot be told where there is no time for two looks', async () => {
    await expect(look({ ...of(ANCHORS), apart_s: 5 }, [text(PAGE)], 5_000)).rejects.toMatchObject({
      code: 'deadline_exceeded',
    });
  });
});

describe('no metrics', () => {
  test.each<[string, HttpSeen, object]>([
    [
      'a page',
      answered('<html>', { headers: { 'content-type': 'text/html' } }),
      { reason: 'line 1: expected the name of a series', content_type: 'text/html' },
    ],
    ['an error', answered('', { status: 500 }), { status: 500, ms: 12.3 }],
    [
      'nobody',
      { answered: false, reason: 'refused', detail: 'as told', ms: 1 },
      { reason: 'refused', detail: 'as told', ms: 1 },
    ],
  ])('%s', async (_, seen, expected) => {
    const { verdict, asked } = await look(of({ name: 'a', moves: true }), [seen]);
    expect(verdict).toEqual({ status: 'fail', evidence: expected, remedy: expect.stringMatching(/./) });
    expect(asked).toHaveLength(1);
  });

  test('an empty page holds nothing that is asked for', async () => {
    const { verdict } = await look(of({ name: 'a' }), [text('')]);
    expect(verdict).toMatchObject({ status: 'fail', evidence: { samples: 0, found: 0 } });
  });
});

test.each<[string, object]>([
  ['no series', { series: [] }],
  ['a name that is none', of({ name: 'a b' })],
  ['bounds the wrong way round', of({ name: 'a', min: 2, max: 1 })],
  ['an unknown key', of({ name: 'a', mn: 2 })],
])('%s is refused when the suite is read', (_, spec) => {
  expect(() => metricsCheck.bind(spec, TARGET)).toThrow();
});

test('whoever gives up between two looks waits no longer', async () => {
  const clock = fakeClock(NOW);
  const controller = new AbortController();
  const { http } = toldHttp([text(PAGE)]);
  const pending = metricsCheck.bind(of({ name: 'vmsh_fresh', moves: true }), TARGET)(toolsOf(clock, { http }), {
    ...within(60_000, controller.signal),
    deadline: NOW + 60_000,
  });
  const ends = expect(pending).rejects.toThrow('enough');
  await clock.advance(0);
  controller.abort(new Error('enough'));
  await ends;
  expect(clock.pending()).toBe(0);
});
