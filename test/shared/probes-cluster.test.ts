import { describe, expect, test } from 'vitest';
import { RejectedError, TransientError } from '#shared/errors.ts';
import { clusterCheck } from '#shared/probes/checks/cluster.ts';
import { attempt, fakeCluster } from '#test/support/fake-cluster.ts';

const VERSION = { status: 200, body: { major: '1', minor: '32', gitVersion: 'v1.32.4-gke.1415000' } };
const READY = { status: 200, body: 'ok' };
const WELL = { version: 'v1.32.4-gke.1415000', version_status: 200, readyz_status: 200, not_ready: null, ms: 0 };
const NOT_KUBERNETES = 'Check the endpoint of the cluster: what answers there is not the API of Kubernetes.';
const NOT_READY =
  'The control plane says that it is not ready: look at the status of the cluster and at an upgrade under way (gcloud container operations list), and wait or call the vendor.';

describe('the API of a cluster', () => {
  test.each([
    ['answers and is ready', VERSION, READY, { status: 'pass', evidence: WELL, remedy: null }],
    [
      'is not ready, and says what',
      VERSION,
      {
        status: 500,
        body: '[+]ping ok\n[-]etcd failed: reason withheld\n[-]informer-sync failed: reason withheld\nreadyz check failed',
      },
      {
        status: 'fail',
        evidence: { ...WELL, readyz_status: 500, not_ready: 'etcd, informer-sync' },
        remedy: NOT_READY,
      },
    ],
    [
      'is not ready, and does not say what',
      VERSION,
      { status: 503, body: { kind: 'Status' } },
      { status: 'fail', evidence: { ...WELL, readyz_status: 503 }, remedy: NOT_READY },
    ],
    [
      'is something else',
      { status: 200, body: '<html>Log in</html>' },
      READY,
      { status: 'error', evidence: { ...WELL, version: null }, remedy: NOT_KUBERNETES },
    ],
    [
      'has gone elsewhere',
      { status: 302, body: '' },
      { status: 404, body: '' },
      {
        status: 'error',
        evidence: { ...WELL, version: null, version_status: 302, readyz_status: 404 },
        remedy: NOT_KUBERNETES,
      },
    ],
  ])('%s', async (_, version, ready, verdict) => {
    const fake = fakeCluster({ answers: { '/version': version, '/readyz': ready } });
    expect(await attempt(clusterCheck, {}, fake)).toEqual(verdict);
    expect(fake.reads.toSorted()).toEqual(['get /readyz', 'get /version']);
  });

  test.each([
    new TransientError('cluster_unreachable', '10.0.0.1: refused'),
    new RejectedError('cluster_unauthorized', '10.0.0.1: the token is not taken'),
  ])('that cannot be asked is unknown: $code', async (error) => {
    const fake = fakeCluster({ answers: { '/version': error, '/readyz': READY } });
    await expect(attempt(clusterCheck, {}, fake)).rejects.toBe(error);
  });

  test.each([
    [999, 'pass', {}, null],
    [
      1_001,
      'fail',
      { max_ms: 1_000 },
      'The control plane answers too slowly: look for who asks it so much (kubectl get --raw /metrics), and whether the vendor is repairing it.',
    ],
  ])('after %d ms, where a second is enough: %s', async (ms, status, more, remedy) => {
    const fake = fakeCluster({ answers: { '/version': VERSION, '/readyz': READY } });
    let looks = 0;
    const tools = { ...fake.tools, stopwatchMs: () => ms * looks++ };
    expect(await attempt(clusterCheck, { max_ms: 1_000 }, { ...fake, tools })).toEqual({
      status,
      evidence: { ...WELL, ms, ...more },
      remedy,
    });
  });

  test('takes nothing more in a suite', () => {
    expect(() => clusterCheck.bind({ min: 1 }, { namespace: 'vaultmesh' })).toThrow('Unrecognized key: \\"min\\"');
  });
});
