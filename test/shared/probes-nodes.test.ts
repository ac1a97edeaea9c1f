import { describe, expect, test } from 'vitest';
import { nodesCheck } from '#shared/probes/checks/nodes.ts';
import { fakeClock } from '#test/support/clock.ts';
import { agoS, attempt, fakeCluster } from '#test/support/fake-cluster.ts';

const clock = fakeClock();
const condition = (type: string, status: string, reason?: string) => ({ type, status, reason });
const node = (
  name: string,
  conditions: unknown,
  more: { readonly ageS?: number; readonly cordoned?: boolean } = {},
) => ({
  metadata: { name, creationTimestamp: agoS(clock, more.ageS ?? 86_400), labels: { pool: name.split('-')[0] } },
  spec: { unschedulable: more.cordoned },
  status: { conditions, nodeInfo: { kubeletVersion: 'v1.32.4' } },
});
const READY = [
  condition('MemoryPressure', 'False', 'KubeletHasSufficientMemory'),
  condition('Ready', 'True', 'KubeletReady'),
];
const SILENT = [condition('Ready', 'Unknown', 'NodeStatusUnknown')];
const FULL = [condition('DiskPressure', 'True', 'KubeletHasDiskPressure'), ...READY];

const WELL = { nodes: 2, ready: 2, min_ready: 1, starting: 0, cordoned: 0, not_ready: null, pressure: null };
const COMES_BACK = (name: string): string =>
  `Read why: kubectl describe node ${name}. If it does not come back, drain and delete it; its pool makes another.`;
const TOO_FEW = (min: number): string =>
  `Expected at least ${min} ready: look at the size and the quota of the node pool (gcloud container node-pools list).`;

describe('nodes', () => {
  test.each([
    ['all ready', {}, [node('a-1', READY), node('b-1', READY)], { status: 'pass', evidence: WELL, remedy: null }],
    [
      'one silent',
      {},
      [node('a-1', READY), node('b-1', SILENT)],
      {
        status: 'fail',
        evidence: { ...WELL, ready: 1, not_ready: 'b-1: NodeStatusUnknown' },
        remedy: COMES_BACK('b-1'),
      },
    ],
    [
      'one that says nothing of it',
      {},
      [node('a-1', READY), node('b-1', null)],
      {
        status: 'fail',
        evidence: { ...WELL, ready: 1, not_ready: 'b-1: no Ready condition' },
        remedy: COMES_BACK('b-1'),
      },
    ],
    [
      'one under pressure, though ready',
      {},
      [node('a-1', FULL), node('b-1', READY)],
      {
        status: 'fail',
        evidence: { ...WELL, pressure: 'a-1: DiskPressure' },
        remedy:
          'a-1 runs out of what it names: look for the pods that take it (kubectl top pods -A), give them limits, or add a node.',
      },
    ],
    [
      'one that has just come',
      {},
      [node('a-1', READY), node('b-1', SILENT, { ageS: 299 })],
      { status: 'pass', evidence: { ...WELL, ready: 1, starting: 1 }, remedy: null },
    ],
    [
      'one that came too long ago',
      {},
      [node('a-1', READY), node('b-1', SILENT, { ageS: 300 })],
      {
        status: 'fail',
        evidence: { ...WELL, ready: 1, not_ready: 'b-1: NodeStatusUnknown' },
        remedy: COMES_BACK('b-1'),
      },
    ],
    [
      'a cordoned one is still a node',
      {},
      [node('a-1', READY, { cordoned: true }), node('b-1', READY)],
      { status: 'pass', evidence: { ...WELL, cordoned: 1 }, remedy: null },
    ],
    [
      'fewer than are expected',
      { min_ready: 3 },
      [node('a-1', READY), node('b-1', READY)],
      { status: 'fail', evidence: { ...WELL, min_ready: 3 }, remedy: TOO_FEW(3) },
    ],
    ['none', {}, [], { status: 'fail', evidence: { ...WELL, nodes: 0, ready: 0 }, remedy: TOO_FEW(1) }],
    [
      'those of another pool do not count',
      { selector: { pool: 'a' } },
      [node('a-1', READY), node('b-1', SILENT)],
      { status: 'pass', evidence: { ...WELL, nodes: 1, ready: 1 }, remedy: null },
    ],
    [
      'many are named, but not all',
      {},
      ['a', 'b', 'c', 'd', 'e', 'f'].map((pool) => node(`${pool}-1`, SILENT)),
      {
        status: 'fail',
        evidence: {
          ...WELL,
          nodes: 6,
          ready: 0,
          not_ready:
            'a-1: NodeStatusUnknown, b-1: NodeStatusUnknown, c-1: NodeStatusUnknown, d-1: NodeStatusUnknown and 2 more',
        },
        remedy: COMES_BACK('a-1'),
      },
    ],
  ])('%s', async (_, spec, items, verdict) => {
    const fake = fakeCluster({ clock, lists: { '/api/v1/nodes': items } });
    expect(await attempt(nodesCheck, spec, fake)).toEqual(verdict);
    expect(fake.reads).toEqual(['list /api/v1/nodes']);
  });

  test('that are none of the API’s are not looked at', async () => {
    const fake = fakeCluster({ lists: { '/api/v1/nodes': [{ metadata: { name: 7 } }] } });
    await expect(attempt(nodesCheck, {}, fake)).rejects.toMatchObject({
      code: 'cluster_unreachable',
      message: 'GET /api/v1/nodes: items[0]: metadata.name: expected string, got 7',
    });
  });

  test.each([
    [{ min: 1 }, 'Unrecognized key'],
    [{ min_ready: -1 }, 'min_ready'],
    [{ starting_s: 7_200 }, 'starting_s'],
  ])('a suite cannot say %o', (spec, message) => {
    expect(() => nodesCheck.bind(spec, { namespace: 'vaultmesh' })).toThrow(message);
  });
});
