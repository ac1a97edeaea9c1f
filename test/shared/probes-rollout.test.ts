import { describe, expect, test } from 'vitest';
import { rolloutCheck } from '#shared/probes/checks/rollout.ts';
import { fakeClock } from '#test/support/clock.ts';
import { agoS, attempt, fakeCluster } from '#test/support/fake-cluster.ts';

const PATH = '/apis/apps/v1/namespaces/vaultmesh/deployments';
const clock = fakeClock();

interface Facts {
  readonly replicas?: number | null;
  readonly status?: Readonly<Record<string, unknown>>;
  readonly progress?: string;
  readonly movedAgoS?: number;
  readonly paused?: boolean;
  readonly observed?: number;
  /** How long too few are available, by the deployment's own word. */
  readonly shortForS?: number;
}

function deployment({ replicas = 2, status, progress, movedAgoS = 86_400, paused, observed = 4, shortForS }: Facts) {
  return {
    metadata: { name: 'aurora-router', generation: 4 },
    spec: { ...(replicas === null ? {} : { replicas }), ...(paused === undefined ? {} : { paused }) },
    status: {
      observedGeneration: observed,
      ...(status ?? { replicas: 2, updatedReplicas: 2, availableReplicas: 2 }),
      conditions: [
        shortForS === undefined
          ? { type: 'Available', status: 'True', lastTransitionTime: agoS(clock, 86_400) }
          : { type: 'Available', status: 'False', lastTransitionTime: agoS(clock, shortForS) },
        {
          type: 'Progressing',
          status: 'True',
          reason: progress ?? 'NewReplicaSetAvailable',
          lastUpdateTime: agoS(clock, movedAgoS),
        },
      ],
    },
  };
}

const SPEC = { deployment: 'aurora-router' };
const WELL = {
  deployment: 'aurora-router',
  found: true,
  wanted: 2,
  replicas: 2,
  updated: 2,
  available: 2,
  min: 1,
  unseen: false,
  paused: false,
  progress: 'NewReplicaSetAvailable',
  moving: false,
  short_s: null,
};
const passes = (evidence: object) => ({ status: 'pass', evidence: { ...WELL, ...evidence }, remedy: null });
const fails = (evidence: object, remedy: string) => ({ status: 'fail', evidence: { ...WELL, ...evidence }, remedy });
const HALF = { replicas: 3, updatedReplicas: 1, availableReplicas: 2 };
const HALF_SEEN = { replicas: 3, updated: 1, available: 2 };
const OLD_RUN =
  'Old pods still run: read why the new ones do not come up, or take the rollout back (kubectl -n vaultmesh rollout undo deployment/aurora-router).';
const FEW = (available: number, expected: number): string =>
  `${available} replicas are available, expected ${expected}: look at its pods and its events (kubectl -n vaultmesh describe deployment aurora-router).`;

describe('a rollout', () => {
  test.each([
    ['that is done', SPEC, deployment({}), passes({})],
    [
      'of one replica, which is not said',
      SPEC,
      deployment({ replicas: null, status: { replicas: 1, updatedReplicas: 1, availableReplicas: 1 } }),
      passes({ wanted: 1, replicas: 1, updated: 1, available: 1 }),
    ],
    [
      'that the controller has not seen',
      SPEC,
      deployment({ observed: 3 }),
      fails(
        { unseen: true },
        'The controller has not taken up the last change: look at the control plane (kubectl get events -n kube-system).',
      ),
    ],
    [
      'that got stuck',
      SPEC,
      deployment({ status: HALF, progress: 'ProgressDeadlineExceeded', movedAgoS: 5 }),
      fails(
        { ...HALF_SEEN, progress: 'ProgressDeadlineExceeded' },
        'The rollout got stuck: read why its new pods do not come up, and take it back (kubectl -n vaultmesh rollout undo deployment/aurora-router).',
      ),
    ],
    [
      'that gets on',
      SPEC,
      deployment({ status: HALF, progress: 'ReplicaSetUpdated', movedAgoS: 119 }),
      passes({ ...HALF_SEEN, progress: 'ReplicaSetUpdated', moving: true }),
    ],
    [
      'that got on too long ago',
      SPEC,
      deployment({ status: HALF, progress: 'ReplicaSetUpdated', movedAgoS: 120 }),
      fails({ ...HALF_SEEN, progress: 'ReplicaSetUpdated' }, OLD_RUN),
    ],
    [
      'that gets on, while nobody serves',
      SPEC,
      deployment({ status: { replicas: 3, updatedReplicas: 1 }, progress: 'ReplicaSetUpdated', movedAgoS: 5 }),
      fails({ ...HALF_SEEN, available: 0, progress: 'ReplicaSetUpdated' }, OLD_RUN),
    ],
    [
      'of which an old pod is left',
      SPEC,
      deployment({ status: { replicas: 3, updatedReplicas: 2, availableReplicas: 2 } }),
      fails({ replicas: 3 }, OLD_RUN),
    ],
    [
      'that is paused half way',
      SPEC,
      deployment({ status: HALF, progress: 'DeploymentPaused', paused: true }),
      fails(
        { ...HALF_SEEN, progress: 'DeploymentPaused', paused: true },
        'The rollout is paused half way: kubectl -n vaultmesh rollout resume deployment/aurora-router.',
      ),
    ],
    ['that is paused when it is done', SPEC, deployment({ paused: true }), passes({ paused: true })],
    [
      'of which a replica is not available',
      SPEC,
      deployment({ status: { replicas: 2, updatedReplicas: 2, availableReplicas: 1 } }),
      fails({ available: 1 }, FEW(1, 2)),
    ],
    ['of which a replica was never made', SPEC, deployment({ replicas: 3 }), fails({ wanted: 3 }, FEW(2, 3))],
    [
      'that somebody scaled to nothing',
      SPEC,
      deployment({ replicas: 0, status: {} }),
      fails(
        { wanted: 0, replicas: 0, updated: 0, available: 0 },
        'It is scaled to 0, expected at least 1: kubectl -n vaultmesh scale deployment/aurora-router --replicas=1.',
      ),
    ],
    [
      'at rest, where nothing to do is no pods',
      { ...SPEC, min: 0 },
      deployment({ replicas: 0, status: {} }),
      passes({ min: 0, wanted: 0, replicas: 0, updated: 0, available: 0 }),
    ],
    [
      'that a scaler makes larger',
      { ...SPEC, autoscaled: true },
      deployment({ replicas: 4, status: { replicas: 4, updatedReplicas: 4, availableReplicas: 2 } }),
      passes({ wanted: 4, replicas: 4, updated: 4 }),
    ],
    [
      'that a scaler makes larger, and nobody serves',
      { ...SPEC, autoscaled: true },
      deployment({ replicas: 4, status: { replicas: 4, updatedReplicas: 4 } }),
      fails({ wanted: 4, replicas: 4, updated: 4, available: 0 }, FEW(0, 1)),
    ],
    [
      'that a scaler made larger a minute ago, and too few serve',
      { ...SPEC, autoscaled: true, min: 0 },
      deployment({ replicas: 4, status: { replicas: 4, updatedReplicas: 4 }, shortForS: 60 }),
      passes({ wanted: 4, replicas: 4, updated: 4, available: 0, min: 0, short_s: 60 }),
    ],
    [
      'that a scaler made larger, of which none was ever made',
      { ...SPEC, autoscaled: true, min: 0 },
      deployment({ replicas: 4, status: {}, shortForS: 120 }),
      fails({ wanted: 4, replicas: 0, updated: 0, available: 0, min: 0, short_s: 120 }, FEW(0, 4)),
    ],
    [
      'of a scaled one, with old pods',
      { ...SPEC, autoscaled: true },
      deployment({ status: HALF }),
      fails(HALF_SEEN, OLD_RUN),
    ],
  ])('%s', async (_, spec, object, verdict) => {
    const fake = fakeCluster({ clock, lists: { [PATH]: [{ metadata: { name: 'other' }, spec: {} }, object] } });
    expect(await attempt(rolloutCheck, spec, fake)).toEqual(verdict);
    expect(fake.reads).toEqual([`list ${PATH}`]);
  });

  test('of what is not there', async () => {
    const fake = fakeCluster({ lists: { [PATH]: [] } });
    expect(await attempt(rolloutCheck, SPEC, fake)).toEqual({
      status: 'fail',
      evidence: { deployment: 'aurora-router', found: false },
      remedy: 'There is no deployment aurora-router in vaultmesh: apply its manifests again.',
    });
  });

  test.each([
    [{}, 'deployment'],
    [{ ...SPEC, replicas: 2 }, 'Unrecognized key'],
  ])('a suite cannot say %o', (spec, message) => {
    expect(() => rolloutCheck.bind(spec, { namespace: 'vaultmesh' })).toThrow(message);
  });
});
