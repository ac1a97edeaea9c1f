/** Cloud Monitoring's list of time series, as far as it is asked for: what is sent, what comes of the answers, and what of none. */
import { createServer } from 'node:http';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createDeadLetterCount } from '#shared/adapters/bus/pubsub-dead-letter-count.ts';
import { deadLetterTopicOf, SUBSCRIPTIONS, TOPICS } from '#shared/topology.ts';
import { fakeClock } from '#test/support/clock.ts';
import { closeServer, listenOnLoopback } from '#test/support/loopback.ts';

const NOW = Date.UTC(2026, 0, 1, 12);
const ago = (seconds: number): string => new Date(NOW - seconds * 1_000).toISOString().replace('.000Z', 'Z');
const point = (count: number, secondsAgo: number) => ({
  interval: { startTime: ago(secondsAgo), endTime: ago(secondsAgo) },
  value: { int64Value: String(count) },
});
const series = (subscription: string, ...points: ReturnType<typeof point>[]) => ({
  metric: { type: 'pubsub.googleapis.com/subscription/num_undelivered_messages' },
  resource: { type: 'pubsub_subscription', labels: { project_id: 'p', subscription_id: subscription } },
  metricKind: 'GAUGE',
  valueType: 'INT64',
  points,
});

interface House {
  readonly status?: number;
  readonly keepers?: readonly string[];
  readonly busy?: readonly string[];
  readonly token?: () => Promise<string>;
}

/** Monitoring's API that answers so; null: never. */
async function house(answer: unknown, given: House = {}) {
  const { status = 200, keepers = ['a-dead-letter', 'b-dead-letter'], busy = ['ingest-a'] } = given;
  const asked: { method: string | undefined; url: URL; authorization: string | undefined }[] = [];
  const server = createServer(({ method, url = '', headers }, response) => {
    asked.push({ method, url: new URL(url, 'http://x'), authorization: headers.authorization });
    if (answer !== null) response.writeHead(status).end(typeof answer === 'string' ? answer : JSON.stringify(answer));
  });
  onTestFinished(() => closeServer(server));
  const clock = fakeClock(NOW);
  const origin = await listenOnLoopback(server);
  const token = given.token ?? (async () => 'a-token');
  const count = createDeadLetterCount({ projectId: 'p', origin, token, keepers, busy, hostClock: clock });
  return { count, asked, clock };
}

const told = (...timeSeries: ReturnType<typeof series>[]) => ({ timeSeries });
const LOOKED_AT = 'num_undelivered_messages of 2 subscriptions in Cloud Monitoring';

describe('dead letters by Cloud Monitoring', () => {
  test('are asked for in one read, of the last ten minutes, with a token', async () => {
    const { count, asked, clock } = await house(told(series('ingest-a', point(0, 60))));
    await count();
    expect(asked.map(({ method, url, authorization }) => [method, url.pathname, authorization])).toEqual([
      ['GET', '/v3/projects/p/timeSeries', 'Bearer a-token'],
    ]);
    expect(Object.fromEntries(asked[0]?.url.searchParams ?? [])).toEqual({
      filter:
        'metric.type = "pubsub.googleapis.com/subscription/num_undelivered_messages" AND resource.type = "pubsub_subscription" AND resource.labels.subscription_id = one_of("a-dead-letter", "b-dead-letter", "ingest-a")',
      'interval.startTime': '2026-01-01T11:50:00.000Z',
      'interval.endTime': '2026-01-01T12:00:00.000Z',
      pageSize: '10000',
    });
    expect(clock.pending()).toBe(0);
  });

  test('of all our subscriptions: a filter that Monitoring takes, shorter than 2,048 characters', async () => {
    const keepers = TOPICS.map(deadLetterTopicOf);
    const busy = SUBSCRIPTIONS.map(({ name }) => name);
    const { count, asked } = await house(told(series('ingest-alerts', point(0, 60))), { keepers, busy });
    await count();
    const filter = asked[0]?.url.searchParams.get('filter') ?? '';
    expect(filter.length).toBeLessThan(2_048);
    expect(filter).toMatch(
      /^metric\.type = "[^"]+" AND resource\.type = "\w+" AND [\w.]+ = one_of\(("[^"]+", )*"[^"]+"\)$/,
    );
  });

  test.each([
    [
      'none',
      told(series('a-dead-letter', point(0, 120)), series('b-dead-letter', point(0, 60))),
      { count: 0, lookedAt: LOOKED_AT, ageMs: 120_000, fullest: null },
    ],
    [
      'some, by the newest count of each, in whatever order they come',
      told(series('a-dead-letter', point(2, 120), point(9, 180)), series('b-dead-letter', point(0, 180), point(3, 90))),
      { count: 5, lookedAt: LOOKED_AT, ageMs: 120_000, fullest: 'b-dead-letter' },
    ],
    [
      'what waits elsewhere is none',
      told(
        series('a-dead-letter', point(1, 60)),
        series('b-dead-letter', point(0, 60)),
        series('ingest-a', point(70, 60)),
      ),
      { count: 1, lookedAt: LOOKED_AT, ageMs: 60_000, fullest: 'a-dead-letter' },
    ],
    [
      'one that is idle',
      told(series('b-dead-letter', point(4, 60)), series('ingest-a', point(0, 180))),
      { count: 4, lookedAt: `${LOOKED_AT}, of 1 not counted lately`, ageMs: 60_000, fullest: 'b-dead-letter' },
    ],
    [
      'all of them idle, but others counted',
      told(series('ingest-a', point(0, 180))),
      { count: 0, lookedAt: `${LOOKED_AT}, of 2 not counted lately`, ageMs: 180_000, fullest: null },
    ],
    [
      'a clock ahead of ours',
      told(series('a-dead-letter', point(0, -5)), series('b-dead-letter', point(0, -5))),
      { count: 0, lookedAt: LOOKED_AT, ageMs: 0, fullest: null },
    ],
  ])('%s', async (_, answer, expected) => {
    const { count } = await house(answer);
    expect(await count()).toEqual(expected);
  });

  test.each<[string, unknown, number, string]>([
    ['nothing of any subscription', {}, 200, 'nothing was counted of any subscription in 10 minutes'],
    [
      'a series without a point',
      told(series('ingest-a')),
      200,
      'nothing was counted of any subscription in 10 minutes',
    ],
    [
      'more than a page',
      { ...told(series('ingest-a', point(0, 1))), nextPageToken: 'more' },
      200,
      'expected at most 10000 points, got more',
    ],
    ['no JSON', '<html>secret', 200, 'an answer that is no list of time series'],
    ['another shape', { timeSeries: [{ points: [] }] }, 200, 'an answer that is no list of time series'],
    [
      'no number',
      told({ ...series('ingest-a'), points: [{ ...point(0, 1), value: { int64Value: '-1' } }] }),
      200,
      'an answer that is no list of time series',
    ],
    [
      'no right',
      { error: 'secret' },
      403,
      'HTTP 403; it takes the permission monitoring.timeSeries.list, and the API has to be on',
    ],
    ['too much asked', { error: 'secret' }, 429, 'HTTP 429'],
    ['an error of its own', 'secret', 500, 'HTTP 500'],
  ])('%s: nothing is known, and neither token nor answer is told', async (_, answer, status, why) => {
    const { count } = await house(answer, { status });
    const error = await count().catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: 'upstream_unavailable',
      retryable: true,
      message: `Cloud Monitoring, dead letters: ${why}`,
    });
    expect(String(error)).not.toMatch(/secret|a-token/);
  });

  test('no answer is given up after ten seconds', async () => {
    const { count, asked, clock } = await house(null);
    const failing = count().catch((reason: unknown) => reason);
    await vi.waitUntil(() => asked.length === 1);
    await clock.advance(10_000);
    expect(await failing).toMatchObject({ message: expect.stringContaining('no answer within 10 s') });
  });

  test('without a token nobody is asked', async () => {
    const { count, asked } = await house({}, { token: async () => Promise.reject(new Error('away')) });
    await expect(count()).rejects.toThrow('away');
    expect(asked).toEqual([]);
  });
});
