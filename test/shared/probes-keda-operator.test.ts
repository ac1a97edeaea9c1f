import { expect, test } from 'vitest';
import { kedaOperatorCheck } from '#shared/probes/checks/keda-operator.ts';
import { attempt, fakeCluster } from '#test/support/fake-cluster.ts';

const PATH = '/api/v1/namespaces/keda/pods';
const operator = (ready: boolean, waiting: string | null) => ({
  metadata: { name: 'keda-operator-1', labels: { 'app.kubernetes.io/name': 'keda-operator' } },
  status: {
    phase: 'Running',
    conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    containerStatuses: [
      { name: 'keda-operator', restartCount: 0, state: waiting === null ? {} : { waiting: { reason: waiting } } },
    ],
  },
});
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

test.each([
  ['runs', [operator(true, null)], { status: 'pass', evidence: WELL, remedy: null }],
  [
    'ends over and over',
    [operator(false, 'CrashLoopBackOff')],
    {
      status: 'fail',
      evidence: { ...WELL, ready: 0, stuck: 'keda-operator-1: CrashLoopBackOff' },
      remedy:
        'keda-operator-1 ends over and over: read why (kubectl -n keda logs keda-operator-1 --previous), then roll back what was rolled out last.',
    },
  ],
  [
    'is not there',
    [
      {
        metadata: {
          name: 'keda-admission-webhooks-1',
          labels: { 'app.kubernetes.io/name': 'keda-admission-webhooks' },
        },
      },
    ],
    {
      status: 'fail',
      evidence: { ...WELL, pods: 0, ready: 0 },
      remedy:
        'Expected at least 1 ready of app.kubernetes.io/name=keda-operator: look whether its deployment is there and scaled (kubectl -n keda get deployments).',
    },
  ],
])('the operator of KEDA %s, whatever namespace is looked at', async (_, items, verdict) => {
  const fake = fakeCluster({ lists: { [PATH]: items } });
  expect(await attempt(kedaOperatorCheck, {}, fake)).toEqual(verdict);
  expect(fake.reads).toEqual([`list ${PATH}`]);
});

test('a suite cannot ask for none', () => {
  expect(() => kedaOperatorCheck.bind({ min: 0 }, { namespace: 'vaultmesh' })).toThrow('min');
});
