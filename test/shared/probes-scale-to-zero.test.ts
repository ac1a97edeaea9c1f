import { describe, expect, test } from 'vitest';
import { RejectedError, TransientError } from '#shared/errors.ts';
import { scaleToZeroCheck } from '#shared/probes/checks/scale-to-zero.ts';
import type { Job, KubernetesObject } from '#shared/probes/tools.ts';
import { fakeClock } from '#test/support/clock.ts';
import { attempt, fakeCluster } from '#test/support/fake-cluster.ts';

const PATH = '/apis/apps/v1/namespaces/vaultmesh/deployments';
const SPEC = { up_s: 60, down_s: 300, poll_s: 5 };
const GIVEN = 660;

type Look = readonly [replicas: number, available: number] | Error | 'missing';
const itemsOf = (look: Look): readonly KubernetesObject[] | Error => {
  if (look instanceof Error) return look;
  if (look === 'missing') return [];
  const [replicas, availableReplicas] = look;
  return [{ metadata: { name: 'psi-field' }, status: { replicas, availableReplicas } }];
};
const away = new TransientError('cluster_unreachable', 'refused');

/** How it is at each second, from the one named on. `job`: seconds counted from the job that is published. */
interface Play {
  readonly before: Readonly<Record<number, Look>>;
  readonly job?: Readonly<Record<number, Look>>;
  readonly refused?: Error;
  readonly publisher?: boolean;
  readonly withinS?: number;
  /** What a suite says beside. */
  readonly more?: object;
}

async function play({ before, job = {}, refused, publisher = true, withinS = GIVEN, more = {} }: Play) {
  const clock = fakeClock();
  const beganMs = clock.now();
  let jobMs: number | null = null;
  const published: (readonly [topic: string, job: Job])[] = [];
  const publishJob = async (topic: string, job: Job): Promise<void> => {
    if (refused !== undefined) throw refused;
    published.push([topic, job]);
    jobMs = clock.now();
  };
  const fake = fakeCluster({ clock, publishJob: publisher ? publishJob : null, withinMs: withinS * 1_000 });
  const fresh: number[] = [];
  fake.tools.kubernetes({ namespace: 'vaultmesh' }).list = async (path, context) => {
    expect(path).toBe(PATH);
    fresh.push(context.freshAfterMs ?? -1);
    const acts = jobMs === null ? before : job;
    const sinceS = (clock.now() - (jobMs ?? beganMs)) / 1_000;
    const at =
      Object.keys(acts)
        .map(Number)
        .filter((second) => second <= sinceS)
        .at(-1) ?? 0;
    const items = itemsOf(acts[at] ?? [0, 0]);
    if (items instanceof Error) throw items;
    return items;
  };
  const verdict = Promise.resolve(attempt(scaleToZeroCheck, { ...SPEC, ...more }, fake));
  const settled = verdict.then(
    (value) => ({ value, error: null }),
    (error: unknown) => ({ value: null, error }),
  );
  await clock.advance((withinS + 1) * 1_000);
  return { ...(await settled), published, fresh, clock };
}

const WELL = {
  deployment: 'psi-field',
  subscription: 'vaultmesh-psi-jobs-sub',
  topic: 'vaultmesh-psi-jobs',
  publisher: true,
  zero_at_first: 'reached',
  up: 'reached',
  up_ms: 20_000,
  down: 'reached',
  down_ms: 100_000,
  replicas: 0,
  available: 0,
};
const AS_IT_SHOULD = { 0: [0, 0], 10: [1, 0], 20: [1, 1], 120: [0, 0] } as const;
const verdict = (status: string, evidence: object, remedy: string | null) => ({
  status,
  evidence: { ...WELL, ...evidence },
  remedy,
});
const SCALER = 'kubectl -n vaultmesh describe scaledobjects';

describe('0 -> 1 -> 0', () => {
  test('a service that sleeps wakes for a job and sleeps again', async () => {
    const { value, published, fresh, clock } = await play({ before: { 0: [0, 0] }, job: AS_IT_SHOULD });
    expect(value).toEqual(verdict('pass', {}, null));
    // One step on nothing.
    expect(published).toEqual([['vaultmesh-psi-jobs', { x: new Array(16).fill(0), apply_guardian: false }]]);
    // Each look is a new one, and 5 s after the one before.
    expect(fresh.slice(0, 6).map((ms) => (ms - (fresh[0] ?? 0)) / 1_000)).toEqual([0, 0, 5, 10, 15, 20]);
    expect(clock.pending()).toBe(0);
  });

  test.each<readonly [string, Play, object]>([
    [
      'waits until it sleeps at all',
      { before: { 0: [2, 2], 50: [0, 0] }, job: AS_IT_SHOULD },
      verdict('pass', {}, null),
    ],
    [
      'bears an API that is away for some looks',
      { before: { 0: away, 15: [0, 0] }, job: AS_IT_SHOULD },
      verdict('pass', {}, null),
    ],
    [
      'bears that more often, when it is not in a row',
      { before: { 0: away, 15: [1, 1], 20: away, 35: [0, 0] }, job: AS_IT_SHOULD },
      verdict('pass', {}, null),
    ],
    [
      'never sleeps',
      { before: { 0: [1, 1] } },
      verdict(
        'fail',
        { zero_at_first: 'late', up: null, up_ms: null, down: null, down_ms: null, replicas: 1, available: 1 },
        `It was not at zero within 300 s: either there is work (look at the backlog of vaultmesh-psi-jobs-sub), or KEDA does not take it down (${SCALER}).`,
      ),
    ],
    [
      'does not wake',
      { before: { 0: [0, 0] }, job: { 0: [0, 0] } },
      verdict(
        'fail',
        { up: 'late', up_ms: 60_000, down: null, down_ms: null },
        `No replica came for a job within 60 s: look at KEDA (${SCALER}), at its right to read vaultmesh-psi-jobs-sub, and at the pods that do not start.`,
      ),
    ],
    [
      'wakes and does not get up',
      { before: { 0: [0, 0] }, job: { 0: [0, 0], 10: [1, 0] } },
      verdict(
        'fail',
        { up: 'late', up_ms: 60_000, down: null, down_ms: null, replicas: 1 },
        `No replica came for a job within 60 s: look at KEDA (${SCALER}), at its right to read vaultmesh-psi-jobs-sub, and at the pods that do not start.`,
      ),
    ],
    [
      'does not sleep again',
      { before: { 0: [0, 0] }, job: { 0: [0, 0], 20: [1, 1] } },
      verdict(
        'fail',
        { down: 'late', down_ms: 300_000, replicas: 1, available: 1 },
        `It did not go back to zero within 300 s: look whether the job was taken (backlog of vaultmesh-psi-jobs-sub), and at KEDA (${SCALER}).`,
      ),
    ],
    [
      'is not there',
      { before: { 0: 'missing' } },
      verdict(
        'fail',
        { zero_at_first: 'missing', up: null, up_ms: null, down: null, down_ms: null, replicas: null, available: null },
        'There is no deployment psi-field in vaultmesh: apply its manifests again.',
      ),
    ],
    [
      'is not known when the attempt’s own deadline comes first',
      { before: { 0: [0, 0] }, job: { 0: [0, 0], 20: [1, 1] }, withinS: 100 },
      verdict(
        'error',
        { down: 'cut_short', down_ms: 80_000, replicas: 1, available: 1 },
        'Its deadline came first: give it 660 s (deadline_s), and the run as much.',
      ),
    ],
    [
      'is not known where nobody may publish',
      { before: { 0: [0, 0] }, publisher: false },
      verdict(
        'error',
        {
          publisher: false,
          zero_at_first: null,
          up: null,
          up_ms: null,
          down: null,
          down_ms: null,
          replicas: null,
          available: null,
        },
        'Nobody may publish jobs for this cluster from here: log in to its project (AURORA_PLATFORM=gcp), of a simulated one name the directory of its vm up (--dir), or leave the check out.',
      ),
    ],
  ])('%s', async (_, given, expected) => {
    const { value, error, clock } = await play(given);
    expect(error).toBeNull();
    expect(value).toEqual(expected);
    expect(clock.pending()).toBe(0);
  });

  test.each<readonly [string, Play, Error]>([
    ['an API that stays away', { before: { 0: away } }, away],
    ['a job that cannot be published', { before: { 0: [0, 0] }, refused: away }, away],
    (() => {
      const error = new RejectedError('cluster_forbidden', 'deployments is forbidden');
      return ['what must not be read', { before: { 0: error } }, error] as const;
    })(),
  ])('%s is told as it was thrown', async (_, given, expected) => {
    const { error, clock, fresh } = await play(given);
    expect(error).toBe(expected);
    expect(fresh.length).toBe(given.refused === undefined && expected === away ? 4 : 1);
    expect(clock.pending()).toBe(0);
  });

  test('ends with the run', async () => {
    const fake = fakeCluster({
      publishJob: async () => undefined,
      withinMs: 600_000,
      lists: { [PATH]: itemsOf([1, 1]) as [] },
    });
    const giveUp = new AbortController();
    const ended = Promise.resolve(
      attempt(scaleToZeroCheck, SPEC, { ...fake, context: { ...fake.context, signal: giveUp.signal } }),
    ).catch((error: unknown) => error);
    await fake.clock.advance(1_000);
    giveUp.abort(new Error('the run was broken off'));
    expect(await ended).toEqual(new Error('the run was broken off'));
    expect(fake.clock.pending()).toBe(0);
  });

  test.each<readonly [string, object, string, Job]>([
    ['of another service', { subscription: 'jobs-of-b-sub', job: { b: 1 } }, 'jobs-of-b', { b: 1 }],
    ['of its own name', { subscription: 'b', topic: 'work.of~b', job: {} }, 'work.of~b', {}],
    ['of another project', { topic: 'projects/vm-spawn/topics/jobs', job: {} }, 'projects/vm-spawn/topics/jobs', {}],
  ])('publishes to a topic %s, and says to which', async (_, more, topic, sent) => {
    const { value, published } = await play({ before: { 0: [0, 0] }, job: AS_IT_SHOULD, more });
    expect(published).toEqual([[topic, sent]]);
    expect(value).toMatchObject({ status: 'pass', evidence: { topic } });
  });

  test.each([
    [{ replicas: 1 }, 'Unrecognized key'],
    [{ subscription: 'psi-jobs' }, 'expected the topic of psi-jobs, whose name does not say it'],
    [{ subscription: '-sub' }, 'expected the topic of -sub, whose name does not say it'],
    [{ topic: 'a b' }, 'expected the name of a topic, or projects/P/topics/NAME'],
    [{ topic: 'projects/x/topics/jobs' }, 'expected the name of a topic'],
    [{ job: 'x' }, 'expected record'],
    [{ job: { at: new Date() } }, 'Invalid input'],
  ])('a suite cannot say %j', (said, message) => {
    expect(() => scaleToZeroCheck.bind(said, { namespace: 'vaultmesh' })).toThrow(message);
  });
});
