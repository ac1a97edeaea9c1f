import { describe, expect, test } from 'vitest';
import { RejectedError, TransientError } from '#shared/errors.ts';
import { scaledObjectCheck } from '#shared/probes/checks/scaled-object.ts';
import { attempt, fakeCluster } from '#test/support/fake-cluster.ts';

const PATH = '/apis/keda.sh/v1alpha1/namespaces/vaultmesh/scaledobjects';

interface Facts {
  readonly annotations?: Readonly<Record<string, string>>;
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly conditions?: readonly object[];
}
const READY = { type: 'Ready', status: 'True', reason: 'ScaledObjectReady', message: 'is ready for scaling' };
const object = ({ annotations, spec = {}, conditions = [READY] }: Facts = {}) => ({
  metadata: { name: 'psi-field-scaler', ...(annotations === undefined ? {} : { annotations }) },
  spec: {
    scaleTargetRef: { name: 'psi-field' },
    minReplicaCount: 0,
    maxReplicaCount: 10,
    triggers: [
      {
        type: 'gcp-pubsub',
        metadata: { subscriptionName: 'vaultmesh-psi-jobs-sub', value: '5', mode: 'SubscriptionSize' },
      },
    ],
    ...spec,
  },
  status: { conditions },
});

const SPEC = {
  scaled_object: 'psi-field-scaler',
  scales: 'psi-field',
  max: 10,
  subscription: 'vaultmesh-psi-jobs-sub',
  value: 5,
};
const WELL = {
  scaled_object: 'psi-field-scaler',
  found: true,
  ready: true,
  reason: null,
  paused: false,
  fallback: false,
  blind: false,
  scales: 'psi-field',
  min: 0,
  max: 10,
  subscription: 'vaultmesh-psi-jobs-sub',
  value: 5,
};
const passes = (evidence: object) => ({ status: 'pass', evidence: { ...WELL, ...evidence }, remedy: null });
const fails = (evidence: object, remedy: string) => ({ status: 'fail', evidence: { ...WELL, ...evidence }, remedy });
const CORRECT = 'correct it and apply it again (kubectl -n vaultmesh get scaledobjects psi-field-scaler -o yaml).';
const PAUSED =
  'Somebody paused it: kubectl -n vaultmesh annotate scaledobjects psi-field-scaler autoscaling.keda.sh/paused- autoscaling.keda.sh/paused-replicas-.';
const CANNOT =
  'KEDA cannot scale by it: read why (kubectl -n vaultmesh describe scaledobjects psi-field-scaler), and whether its account may read the subscription.';

describe('a scaled object', () => {
  test.each([
    ['that is ready, and as is expected', SPEC, object(), passes({})],
    [
      'with what KEDA takes where nothing is said',
      { scaled_object: 'psi-field-scaler', max: 100 },
      object({ spec: { minReplicaCount: undefined, maxReplicaCount: undefined, triggers: undefined } }),
      passes({ max: 100, subscription: null, value: null }),
    ],
    [
      'by the full name of its subscription',
      SPEC,
      object({
        spec: {
          triggers: [
            { metadata: { subscriptionName: 'projects/vm-spawn/subscriptions/vaultmesh-psi-jobs-sub', value: 5 } },
          ],
        },
      }),
      passes({}),
    ],
    [
      'that is not ready',
      SPEC,
      object({ conditions: [{ ...READY, status: 'False', reason: 'TriggerError', message: 'Triggers do not work' }] }),
      fails({ ready: false, reason: 'Triggers do not work' }, CANNOT),
    ],
    [
      'of which some triggers do not work',
      SPEC,
      object({ conditions: [{ type: 'Ready', status: 'Unknown', reason: 'PartialTriggerError' }] }),
      fails({ ready: false, reason: 'PartialTriggerError' }, CANNOT),
    ],
    [
      'that nobody has looked at',
      SPEC,
      object({ conditions: [] }),
      fails({ ready: false, reason: 'no Ready condition' }, CANNOT),
    ],
    [
      'that is idle',
      SPEC,
      object({ conditions: [READY, { type: 'Active', status: 'False', reason: 'ScalerNotActive' }] }),
      passes({}),
    ],
    [
      'that does not know how much waits',
      SPEC,
      object({ conditions: [READY, { type: 'Active', status: 'Unknown', reason: 'ScalerFailed' }] }),
      fails(
        { blind: true },
        'KEDA does not know how much waits, so nothing is scaled: read its log (kubectl -n keda logs deployment/keda-operator), and whether its account may read the subscription.',
      ),
    ],
    [
      'that runs its fallback',
      SPEC,
      object({ conditions: [READY, { type: 'Fallback', status: 'True' }] }),
      fails(
        { fallback: true },
        'KEDA cannot read the backlog and runs the fallback replicas: check that its account may read the subscription.',
      ),
    ],
    [
      'that is paused, as its condition says',
      SPEC,
      object({ conditions: [READY, { type: 'Paused', status: 'True' }] }),
      fails({ paused: true }, PAUSED),
    ],
    [
      'that is paused, as its annotation says',
      SPEC,
      object({ annotations: { 'autoscaling.keda.sh/paused': 'true' } }),
      fails({ paused: true }, PAUSED),
    ],
    [
      'that is held at a number',
      SPEC,
      object({ annotations: { 'autoscaling.keda.sh/paused-replicas': '2' } }),
      fails({ paused: true }, PAUSED),
    ],
    ['that is paused no more', SPEC, object({ annotations: { 'autoscaling.keda.sh/paused': 'false' } }), passes({})],
    [
      'of something else',
      SPEC,
      object({ spec: { scaleTargetRef: { name: 'scheduler' } } }),
      fails({ scales: 'scheduler' }, `It scales scheduler, expected psi-field: ${CORRECT}`),
    ],
    [
      'of one replica at most',
      SPEC,
      object({ spec: { maxReplicaCount: 1 } }),
      fails({ max: 1 }, `It scales between 0 and 1, expected 0 and 10: ${CORRECT}`),
    ],
    [
      'that never sleeps',
      SPEC,
      object({ spec: { minReplicaCount: 1 } }),
      fails({ min: 1 }, `It scales between 1 and 10, expected 0 and 10: ${CORRECT}`),
    ],
    [
      'by another subscription',
      SPEC,
      object({ spec: { triggers: [{ metadata: { subscriptionName: 'other-sub', value: '5' } }] } }),
      fails({ subscription: 'other-sub' }, `It scales by other-sub, expected vaultmesh-psi-jobs-sub: ${CORRECT}`),
    ],
    [
      'by nothing',
      SPEC,
      object({ spec: { triggers: [] } }),
      fails(
        { subscription: null, value: null },
        `It scales by no subscription, expected vaultmesh-psi-jobs-sub: ${CORRECT}`,
      ),
    ],
    [
      'by another measure',
      SPEC,
      object({ spec: { triggers: [{ metadata: { subscriptionName: 'vaultmesh-psi-jobs-sub', value: 'x' } }] } }),
      fails({ value: null }, `It counts an unknown number of messages for a replica, expected 5: ${CORRECT}`),
    ],
  ])('%s', async (_, spec, item, verdict) => {
    const fake = fakeCluster({ lists: { [PATH]: [{ metadata: { name: 'other' }, spec: {} }, item] } });
    expect(await attempt(scaledObjectCheck, spec, fake)).toEqual(verdict);
    expect(fake.reads).toEqual([`list ${PATH}`]);
  });

  test('of jobs, which scales nothing that has a name', async () => {
    const path = PATH.replace('scaledobjects', 'scaledjobs');
    const { scaleTargetRef: _, ...spec } = object().spec;
    const job = { ...object(), spec: { ...spec, jobTargetRef: {} }, metadata: { name: 'gpu-job-scaler' } };
    const fake = fakeCluster({ lists: { [path]: [job] } });
    expect(
      await attempt(scaledObjectCheck, { scaled_object: 'gpu-job-scaler', resource: 'scaledjobs', max: 10 }, fake),
    ).toEqual(passes({ scaled_object: 'gpu-job-scaler', scales: null }));
  });

  test.each([
    [[], true, 'There is no psi-field-scaler among the scaledobjects of vaultmesh: apply it again.'],
    [null, false, 'The cluster knows no scaledobjects: install KEDA.'],
  ])('that is not there', async (items, known, remedy) => {
    const fake = fakeCluster({ lists: items === null ? {} : { [PATH]: items } });
    expect(await attempt(scaledObjectCheck, SPEC, fake)).toEqual({
      status: 'fail',
      evidence: { scaled_object: 'psi-field-scaler', found: false, known },
      remedy,
    });
  });

  test.each([
    new RejectedError('cluster_forbidden', 'scaledobjects is forbidden'),
    new TransientError('cluster_unreachable', 'refused'),
  ])('that cannot be looked at is unknown: $code', async (error) => {
    const fake = fakeCluster({ lists: { [PATH]: error } });
    await expect(attempt(scaledObjectCheck, SPEC, fake)).rejects.toBe(error);
  });

  test.each([
    [{ max: 1 }, 'scaled_object'],
    [{ scaled_object: 'x' }, 'max'],
    [{ scaled_object: 'x', max: 0 }, 'max'],
    [{ ...SPEC, resource: 'deployments' }, 'resource'],
    [{ ...SPEC, target: 'x' }, 'Unrecognized key'],
  ])('a suite cannot say %o', (spec, message) => {
    expect(() => scaledObjectCheck.bind(spec, { namespace: 'vaultmesh' })).toThrow(message);
  });
});
