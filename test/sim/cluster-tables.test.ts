import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { ageOf } from '#sim/cluster/api/table.ts';
import { askApi, type House, openCluster, START_MS } from './cluster-house.ts';

let house: House;
beforeAll(async () => {
  house = await openCluster();
});
afterEach(() => house.cluster.faults.set([]));
afterAll(() => house.cluster.close());

const PODS = '/api/v1/namespaces/vaultmesh/pods';

describe('tables', () => {
  const table = async (path: string) =>
    JSON.parse(
      (await askApi(house, path, { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io,application/json' }))?.text ??
        'null',
    );

  test('pods as kubectl prints them', async () => {
    house.cluster.faults.set(['pod_crash_loop']);
    await house.clock.advance(90_000);
    const { kind, columnDefinitions, rows } = await table(`${PODS}?labelSelector=app+in+(aurora-router,scheduler)`);
    expect(kind).toBe('Table');
    const shown = columnDefinitions.filter(({ priority }: { priority: number }) => priority === 0);
    expect(shown.map(({ name }: { name: string }) => name)).toEqual(['Name', 'Ready', 'Status', 'Restarts', 'Age']);
    const cells = rows.map((row: { cells: readonly unknown[] }) => row.cells.slice(1, 5));
    expect(cells).toHaveLength(3);
    expect(cells).toEqual(
      expect.arrayContaining([
        ['0/1', 'CrashLoopBackOff', '17 (90s ago)', '41d'],
        ['1/1', 'Running', '0', '41d'],
      ]),
    );
  });

  test('nodes, and kinds of which there is nothing to say but name and age', async () => {
    house.cluster.faults.set(['node_not_ready']);
    const { rows } = await table('/api/v1/nodes');
    expect(rows.map(({ cells }: { cells: readonly unknown[] }) => cells.slice(1, 5))).toEqual([
      ['Ready', '<none>', '41d', 'v1.32.4-gke.1415000'],
      ['Ready', '<none>', '41d', 'v1.32.4-gke.1415000'],
      ['NotReady', '<none>', '41d', 'v1.32.4-gke.1415000'],
    ]);
    house.cluster.faults.set([]);
    const leases = await table('/apis/coordination.k8s.io/v1/namespaces/keda/leases');
    expect(leases.rows[0].cells).toEqual(['operator.keda.sh', '41d']);
    expect(leases.rows[0].object.kind).toBe('PartialObjectMetadata');
  });
});

test.each([
  [0, '0s'],
  [119, '119s'],
  [120, '2m'],
  [150, '2m30s'],
  [600, '10m'],
  [179 * 60, '179m'],
  [180 * 60, '3h'],
  [7.5 * 3600, '7h30m'],
  [8.5 * 3600, '8h'],
  [47 * 3600, '47h'],
  [48 * 3600, '2d'],
  [50 * 3600, '2d2h'],
  [8 * 86_400, '8d'],
  [900 * 86_400, '2y170d'],
  [-5, '0s'],
])('an age of %d seconds is %s', (age, text) => {
  expect(ageOf(START_MS - 1000 * age, START_MS)).toBe(text);
});
