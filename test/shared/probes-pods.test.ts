import { describe, expect, test } from 'vitest';
import { podsCheck } from '#shared/probes/checks/pods.ts';
import { fakeClock } from '#test/support/clock.ts';
import { agoS, attempt, fakeCluster } from '#test/support/fake-cluster.ts';

const PATH = '/api/v1/namespaces/vaultmesh/pods';
const clock = fakeClock();
const DAY_S = 86_400;

interface PodFacts {
  readonly name?: string;
  readonly app?: string;
  readonly phase?: string;
  readonly ready?: boolean;
  readonly ageS?: number;
  /** Where it is older than its start. */
  readonly madeAgoS?: number;
  readonly waiting?: string;
  readonly init?: string;
  readonly restarts?: number;
  readonly restartedAgoS?: number;
  readonly ended?: { readonly reason?: string; readonly exitCode?: number };
  readonly leaving?: boolean;
  readonly unscheduled?: boolean;
}

function pod(facts: PodFacts = {}): Record<string, unknown> {
  const { name = 'psi-field-1', app = 'psi-field', phase = 'Running', ready = true, ageS = 30 * DAY_S } = facts;
  const { waiting, restarts = 0, restartedAgoS, ended = {}, leaving = false, unscheduled = false, init } = facts;
  const terminated =
    restartedAgoS === undefined ? undefined : { ...ended, finishedAt: agoS(clock, restartedAgoS), startedAt: '' };
  return {
    metadata: {
      name,
      labels: { app, 'part-of': 'vaultmesh' },
      creationTimestamp: agoS(clock, facts.madeAgoS ?? ageS),
      ...(leaving ? { deletionTimestamp: agoS(clock, 1) } : {}),
    },
    spec: { nodeName: 'node-1' },
    status: {
      phase,
      ...(unscheduled ? {} : { startTime: agoS(clock, ageS) }),
      conditions: [
        { type: 'PodScheduled', status: unscheduled ? 'False' : 'True', reason: unscheduled ? 'Unschedulable' : null },
        { type: 'Ready', status: ready ? 'True' : 'False' },
      ],
      ...(init === undefined
        ? {}
        : { initContainerStatuses: [{ name: 'init', restartCount: 0, state: { waiting: { reason: init } } }] }),
      containerStatuses: [
        {
          name: app,
          restartCount: restarts,
          state: waiting === undefined ? { running: {} } : { waiting: { reason: waiting } },
          lastState: terminated === undefined ? {} : { terminated },
        },
      ],
    },
  };
}

const WELL = {
  pods: 1,
  ready: 1,
  min: 1,
  starting: 0,
  leaving: 0,
  stuck: null,
  not_ready: null,
  restarts_at_least: 0,
  restarts_likely: 0,
  restarts_at_most: 0,
};
const SPEC = { selector: { app: 'psi-field' } };
const passes = (evidence: object) => ({ status: 'pass', evidence: { ...WELL, ...evidence }, remedy: null });
const fails = (evidence: object, remedy: string) => ({ status: 'fail', evidence: { ...WELL, ...evidence }, remedy });
const ENDS_OVER =
  'psi-field-1 ends over and over: read why (kubectl -n vaultmesh logs psi-field-1 --previous), then roll back what was rolled out last.';
const NOT_READY =
  'psi-field-1 does not become ready: read its events and its log (kubectl -n vaultmesh describe pod psi-field-1).';
const TOO_FEW = (min: number): string =>
  `Expected at least ${min} ready of app=psi-field: look whether its deployment is there and scaled (kubectl -n vaultmesh get deployments).`;

describe('pods', () => {
  test.each([
    ['one that runs and is ready', SPEC, [pod()], passes({})],
    [
      'those of others do not count',
      SPEC,
      [pod(), pod({ name: 'x-1', app: 'x', waiting: 'CrashLoopBackOff' })],
      passes({}),
    ],
    [
      'a crash loop, also while others are ready',
      SPEC,
      [
        pod({
          ready: false,
          waiting: 'CrashLoopBackOff',
          restarts: 17,
          restartedAgoS: 60,
          ended: { reason: 'OOMKilled', exitCode: 137 },
        }),
        pod({ name: 'psi-field-2' }),
      ],
      fails(
        {
          pods: 2,
          stuck: 'psi-field-1: CrashLoopBackOff (OOMKilled, exit 137)',
          restarts_at_least: 1,
          restarts_likely: 17,
          restarts_at_most: 17,
        },
        ENDS_OVER,
      ),
    ],
    [
      'an image that cannot be had, however young it is',
      SPEC,
      [pod({ phase: 'Pending', ready: false, waiting: 'ImagePullBackOff', ageS: 10 })],
      fails(
        { ready: 0, stuck: 'psi-field-1: ImagePullBackOff' },
        'The image of psi-field-1 cannot be had: check its name and digest, and that the nodes may read the registry (kubectl -n vaultmesh describe pod psi-field-1).',
      ),
    ],
    [
      'a secret that is missing',
      SPEC,
      [pod({ phase: 'Pending', ready: false, waiting: 'CreateContainerConfigError', ageS: 10 })],
      fails(
        { ready: 0, stuck: 'psi-field-1: CreateContainerConfigError' },
        'psi-field-1 cannot start: read its events (kubectl -n vaultmesh describe pod psi-field-1); a secret or a config map may be missing.',
      ),
    ],
    [
      'a crash loop before it begins',
      SPEC,
      [pod({ phase: 'Pending', ready: false, waiting: 'PodInitializing', init: 'CrashLoopBackOff', ageS: 10 })],
      fails({ ready: 0, stuck: 'psi-field-1: CrashLoopBackOff' }, ENDS_OVER),
    ],
    [
      'one that no node takes',
      SPEC,
      [pod({ phase: 'Pending', ready: false, unscheduled: true, ageS: 120 }), pod({ name: 'psi-field-2' })],
      fails(
        { pods: 2, not_ready: 'psi-field-1: Unschedulable' },
        'No node takes psi-field-1: read why (kubectl -n vaultmesh describe pod psi-field-1), then add a node or ask for less.',
      ),
    ],
    [
      'one that no node takes yet, beside enough others',
      SPEC,
      [pod({ phase: 'Pending', ready: false, unscheduled: true, ageS: 119 }), pod({ name: 'psi-field-2' })],
      passes({ pods: 2, starting: 1 }),
    ],
    [
      'one on its way, and nobody else',
      SPEC,
      [pod({ phase: 'Pending', ready: false, waiting: 'ContainerCreating', ageS: 5 })],
      fails({ ready: 0, starting: 1 }, TOO_FEW(1)),
    ],
    [
      'one that runs and is not ready',
      SPEC,
      [pod({ ready: false })],
      fails({ ready: 0, not_ready: 'psi-field-1: Running' }, NOT_READY),
    ],
    [
      'one that waited long for a node, and has just got one',
      SPEC,
      [pod({ ready: false, ageS: 10, madeAgoS: 3_600 }), pod({ name: 'psi-field-2' })],
      passes({ pods: 2, starting: 1 }),
    ],
    [
      'one of a node that is gone',
      SPEC,
      [pod({ phase: 'Unknown' })],
      fails({ ready: 0, not_ready: 'psi-field-1: Unknown' }, NOT_READY),
    ],
    ['none', SPEC, [], fails({ pods: 0, ready: 0 }, TOO_FEW(1))],
    ['none, where nothing to do is no pods', { ...SPEC, min: 0 }, [], passes({ pods: 0, ready: 0, min: 0 })],
    ['too few', { ...SPEC, min: 2 }, [pod()], fails({ min: 2 }, TOO_FEW(2))],
    [
      'what has ended and what is going away is left out',
      SPEC,
      [
        pod(),
        pod({ name: 'job-1', phase: 'Succeeded', ready: false }),
        pod({ name: 'evicted-1', phase: 'Failed', ready: false }),
        pod({ name: 'old-1', ready: false, leaving: true }),
      ],
      passes({ leaving: 3 }),
    ],
    [
      'what is going away is none that is there',
      SPEC,
      [pod({ leaving: true })],
      fails({ pods: 0, ready: 0, leaving: 1 }, TOO_FEW(1)),
    ],
  ])('%s', async (_, spec, items, verdict) => {
    const fake = fakeCluster({ clock, lists: { [PATH]: items } });
    expect(await attempt(podsCheck, spec, fake)).toEqual(verdict);
    expect(fake.reads).toEqual([`list ${PATH}`]);
  });

  // [age, restarts, seconds since the last; null: the API does not say] -> [at least, likely, at most] of the last hour
  test.each<[string, number, number, number | null, readonly [number, number, number], 'pass' | 'fail']>([
    ['long ago', 30 * DAY_S, 40, 20 * DAY_S, [0, 0, 0], 'pass'],
    ['long ago, of a pod that seems younger', 60, 2, 20 * DAY_S, [0, 0, 0], 'pass'],
    ['all within the hour, for it is no older', 1_800, 3, 1_200, [3, 3, 3], 'pass'],
    ['all within the hour, and too many', 1_800, 4, 1_200, [4, 4, 4], 'fail'],
    ['a minute ago, of many', 30 * DAY_S, 42, 60, [1, 42, 42], 'fail'],
    ['a minute ago, of few', 30 * DAY_S, 3, 60, [1, 3, 3], 'pass'],
    ['once within the hour, after a month of peace', 30 * DAY_S, 8, 1_200, [1, 1, 8], 'pass'],
    ['four an hour for a day', DAY_S, 96, 1_200, [1, 4, 96], 'fail'],
    ['three an hour for a day', DAY_S, 72, 1_200, [1, 3, 72], 'pass'],
    ['untold when, four an hour for a day', DAY_S, 96, null, [0, 4, 96], 'fail'],
  ])('restarts %s', async (_, ageS, restarts, sinceS, [atLeast, likely, atMost], status) => {
    const facts = { ageS, restarts, ...(sinceS === null ? {} : { restartedAgoS: sinceS }) };
    const fake = fakeCluster({ clock, lists: { [PATH]: [pod(facts)] } });
    expect(await attempt(podsCheck, SPEC, fake)).toEqual({
      status,
      evidence: { ...WELL, restarts_at_least: atLeast, restarts_likely: likely, restarts_at_most: atMost },
      remedy: status === 'pass' ? null : ENDS_OVER,
    });
  });

  test.each([
    [{}, 'selector'],
    [{ selector: {} }, 'expected a label at least'],
    [{ ...SPEC, restarts: 3 }, 'Unrecognized key'],
    [{ ...SPEC, min: 1.5 }, 'min'],
  ])('a suite cannot say %o', (spec, message) => {
    expect(() => podsCheck.bind(spec, { namespace: 'vaultmesh' })).toThrow(message);
  });
});
