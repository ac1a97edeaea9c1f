/**
 * How many dead letters there are, as Cloud Monitoring has it: one read, which takes nothing out of a subscription and holds nothing back
 * from whoever looks after it (`vm dlq`). The count is exact, and some minutes old: Pub/Sub counts once a minute, and what it has counted
 * can be read up to two minutes later.
 * https://cloud.google.com/monitoring/api/ref_v3/rest/v3/projects.timeSeries/list,
 * https://cloud.google.com/monitoring/api/metrics_gcp_p_z: subscription/num_undelivered_messages.
 */
import { z } from 'zod';
import { TransientError } from '#shared/errors.ts';
import type { DeadLetterCount } from '#shared/ports/bus.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import { within } from '../client/waits.ts';

export interface DeadLetterCountOptions {
  readonly projectId: string;
  /** Of the API. */
  readonly origin: string;
  /** An access token. */
  readonly token: () => Promise<string>;
  /** Subscriptions that keep dead letters. */
  readonly keepers: readonly string[];
  /** Subscriptions in which there is something to count all the time: where nothing is told of these either, nothing is known. */
  readonly busy: readonly string[];
  readonly hostClock: HostClock;
}

const DEADLINE_MS = 10_000;
/** A few counts long: one may be late, or left out. */
const LOOK_BACK_MS = 600_000;
/** Points of one answer, which are ten of each subscription: there is no second page. */
const PAGE = 10_000;

/** @throws TransientError upstream_unavailable, and whatever the token throws */
export function createDeadLetterCount(options: DeadLetterCountOptions): () => Promise<DeadLetterCount> {
  const { projectId, origin, token, keepers, busy, hostClock } = options;
  const filter = filterOf([...keepers, ...busy]);
  const ask = async (nowMs: number): Promise<string> => {
    const asked = new URLSearchParams({
      filter,
      'interval.startTime': new Date(nowMs - LOOK_BACK_MS).toISOString(),
      'interval.endTime': new Date(nowMs).toISOString(),
      pageSize: String(PAGE),
    });
    const headers = { authorization: `Bearer ${await token()}` };
    const { status, text } = await within(hostClock, DEADLINE_MS, async (signal) => {
      const url = `${origin}/v3/projects/${projectId}/timeSeries?${asked}`;
      const response = await fetch(url, { headers, signal, redirect: 'error' });
      return { status: response.status, text: await response.text() };
    }).catch((error: unknown) => {
      throw unavailable(error instanceof Error ? error.message : String(error));
    });
    if (status !== 200) throw unavailable(`HTTP ${status}${REMEDIES[status] ?? ''}`);
    return text;
  };
  return async () => {
    const nowMs = hostClock.now();
    const counted = newestOf(await ask(nowMs));
    if (counted.size === 0)
      throw unavailable(`nothing was counted of any subscription in ${LOOK_BACK_MS / 60_000} minutes`);
    return countOf(keepers, counted, nowMs);
  };
}

interface Counted {
  readonly count: number;
  /** Host epoch milliseconds. */
  readonly atMs: number;
}

/** Of a subscription that nothing was counted of Pub/Sub has had nothing to say for long: it is idle, and empty. */
function countOf(keepers: readonly string[], counted: ReadonlyMap<string, Counted>, nowMs: number): DeadLetterCount {
  const told = keepers.flatMap((name) => {
    const one = counted.get(name);
    return one === undefined ? [] : [{ name, ...one }];
  });
  const [fullest] = told.toSorted((a, b) => b.count - a.count);
  const times = (told.length > 0 ? told : [...counted.values()]).map(({ atMs }) => atMs);
  const idle = keepers.length - told.length;
  return {
    count: told.reduce((sum, { count }) => sum + count, 0),
    lookedAt: `num_undelivered_messages of ${keepers.length} subscriptions in Cloud Monitoring${idle === 0 ? '' : `, of ${idle} not counted lately`}`,
    ageMs: Math.max(0, nowMs - Math.min(...times)),
    fullest: fullest === undefined || fullest.count === 0 ? null : fullest.name,
  };
}

const filterOf = (subscriptions: readonly string[]): string =>
  [
    'metric.type = "pubsub.googleapis.com/subscription/num_undelivered_messages"',
    'resource.type = "pubsub_subscription"',
    `resource.labels.subscription_id = one_of(${subscriptions.map((name) => JSON.stringify(name)).join(', ')})`,
  ].join(' AND ');

const point = z.object({
  interval: z.object({ endTime: z.iso.datetime({ offset: true }) }),
  // int64 is text in JSON (https://protobuf.dev/programming-guides/json).
  value: z.object({ int64Value: z.string().regex(/^\d{1,15}$/) }),
});
const listed = z.object({
  timeSeries: z
    .array(
      z.object({
        resource: z.object({ labels: z.object({ subscription_id: z.string() }) }),
        points: z.array(point).default([]),
      }),
    )
    .default([]),
  nextPageToken: z.string().default(''),
});

/** The newest count of each subscription. */
function newestOf(text: string): ReadonlyMap<string, Counted> {
  const answer = listed.safeParse(jsonOf(text));
  if (!answer.success) throw unavailable('an answer that is no list of time series');
  const { timeSeries, nextPageToken } = answer.data;
  if (nextPageToken !== '') throw unavailable(`expected at most ${PAGE} points, got more`);
  const newest = new Map<string, Counted>();
  for (const { resource, points } of timeSeries)
    for (const { interval, value } of points) {
      const { subscription_id: name } = resource.labels;
      const one = { count: Number(value.int64Value), atMs: Date.parse(interval.endTime) };
      if (one.atMs > (newest.get(name)?.atMs ?? -Infinity)) newest.set(name, one);
    }
  return newest;
}

const REMEDIES: Readonly<Record<number, string>> = {
  403: '; it takes the permission monitoring.timeSeries.list, and the API has to be on',
};

const unavailable = (why: string): TransientError =>
  new TransientError('upstream_unavailable', `Cloud Monitoring, dead letters: ${why}`);

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
