import { describe, expect, test } from 'vitest';
import { isOrphan } from '#functions/watch/orphans.ts';
import { ENDED_TTL_MS, ORPHAN_LOOKS } from '#shared/defaults.ts';
import {
  type DeploymentRecord,
  deploymentKey,
  endedOf,
  liveKey,
  type OpenDeployment,
} from '#shared/domain/deployment.ts';
import type { InstanceStatus } from '#shared/providers/provider.ts';
import { aStatus, unavailable } from '#test/support/memory-provider.ts';
import { at, liveRecord, MINUTE, START, watchHouse } from '#test/support/watch-house.ts';

type House = ReturnType<typeof watchHouse>;

const stray = (label: string | null, changes: Partial<InstanceStatus> = {}): InstanceStatus =>
  aStatus('stray', label, { state: 'running', ready_at: at(0), created_at: at(0), latency_ms: 10, ...changes });

/** A house with a stray instance under the label of a deployment of which this is on record. */
async function withStray(record: DeploymentRecord | null, status = stray('d1')): Promise<House> {
  const house = watchHouse();
  if (record !== null) await house.state.create(deploymentKey('d1'), record);
  house.vast.statuses.set('stray', status);
  return house;
}
const runs = async (house: House, times: number, app = house.app()): Promise<void> => {
  for (let i = 0; i < times; i++) expect((await house.run(app)).status).toBe(200);
};

const ended = endedOf(liveRecord(), { status: 'completed', observed_at: at(9) });
const inState = (state: OpenDeployment['state'], instance_id: string | null): OpenDeployment =>
  liveRecord('d1', 'vast', { state, instance_id });

const claimedBefore = (ms: number): OpenDeployment => ({
  ...inState('deploying', null),
  claimed_at: at(-ms / MINUTE),
});

const CASES: readonly [string, DeploymentRecord | null, boolean][] = [
  ['nothing', null, true],
  ['an end', ended, true],
  ['an end of this very instance', { ...ended, instance_id: 'stray' }, true],
  ['an attempt that came to nothing', inState('gone', null), true],
  ['a deployment that was given up before', { state: 'cancelled', cancelled_at: at(0) }, true],
  ['another instance', inState('live', 'other'), true],
  ['an attempt that is being deployed', inState('deploying', null), false],
  ['an attempt whose last delivery is long over', claimedBefore(ENDED_TTL_MS + MINUTE), true],
  ['an attempt that may yet be delivered again', claimedBefore(ENDED_TTL_MS - MINUTE), false],
];

describe('an instance of ours that the list shows', () => {
  test.each(CASES)(
    'while the record names %s: terminated, at the second look in a row (%#)',
    async (_, record, orphan) => {
      const house = await withStray(record);
      const app = house.app();
      await runs(house, ORPHAN_LOOKS - 1, app);
      expect(house.vast.terminated).toEqual([]);
      await runs(house, 1, app);
      expect(house.vast.terminated).toEqual(orphan ? ['stray'] : []);
      expect(await house.metric('aurora_orphans_total{')).toEqual(
        orphan ? ['aurora_orphans_total{provider="vast",action="terminated"} 1'] : [],
      );
      expect(isOrphan(record, 'stray', (claimedAt) => START - Date.parse(claimedAt))).toBe(orphan);
    },
  );

  test('while the record names it, and the index does not: adopted, and followed from then on', async () => {
    const house = await withStray(inState('live', 'stray'));
    const app = house.app();
    await runs(house, 1, app);
    expect(await house.index()).toEqual([liveKey('d1')]);
    await runs(house, 2, app);
    expect(house.vast.terminated).toEqual([]);
    expect(house.outcomes().map(([id, , status]) => [id, status])).toEqual([['d1', 'ready']]);
    expect(await house.metric('aurora_orphans_total{')).toEqual([
      'aurora_orphans_total{provider="vast",action="adopted"} 1',
    ]);
  });

  test('a stranger’s is never touched', async () => {
    const house = await withStray(null, stray(null));
    await runs(house, 4);
    expect(house.vast.terminated).toEqual([]);
  });

  test('whose record comes between two looks is left alone', async () => {
    const house = await withStray(null);
    const app = house.app();
    await runs(house, 1, app);
    await house.live(inState('live', 'stray'));
    await runs(house, 3, app);
    expect(house.vast.terminated).toEqual([]);
  });

  test('not in a row: the looks begin anew', async () => {
    const house = await withStray(null);
    const app = house.app();
    await runs(house, 1, app);
    house.vast.statuses.set('stray', null);
    await runs(house, 1, app);
    house.vast.statuses.set('stray', stray('d1'));
    await runs(house, 1, app);
    expect(house.vast.terminated).toEqual([]);
  });

  test.each<[string, Partial<InstanceStatus>, boolean]>([
    ['stopped with its storage kept', { state: 'preempted', storage_usd_per_hour: 0.01 }, true],
    ['over, and nothing of it billed', { state: 'completed', storage_usd_per_hour: null }, false],
  ])('%s', async (_, changes, terminated) => {
    const house = await withStray(ended, stray('d1', changes));
    await runs(house, 3, house.app());
    expect(house.vast.terminated.length > 0).toBe(terminated);
  });

  test('whose termination fails is tried again at the next look', async () => {
    const house = await withStray(null);
    house.vast.failures.set('terminate', unavailable());
    const app = house.app();
    await runs(house, 3, app);
    expect(await house.metric('aurora_orphans_total{')).toEqual([
      'aurora_orphans_total{provider="vast",action="failed"} 2',
    ]);
    house.vast.failures.clear();
    await runs(house, 1, app);
    expect(house.vast.terminated).toEqual(['stray']);
  });

  test('whose record nobody can read stays, and is named', async () => {
    const house = watchHouse();
    await house.state.create(deploymentKey('d1'), { state: 'dancing' });
    house.vast.statuses.set('stray', stray('d1'));
    await runs(house, 3, house.app());
    expect(house.vast.terminated).toEqual([]);
    expect(house.lines('error')[0]?.fields).toMatchObject({ decision_id: 'd1', instance_id: 'stray' });
  });

  test('more than are looked at in a round: all come to their turn', async () => {
    const house = watchHouse();
    for (let i = 0; i < 200; i++) {
      const id = `stray-${String(i).padStart(3, '0')}`;
      house.vast.statuses.set(id, { ...stray(`gone-${i}`), instance_id: id });
    }
    const { terminate } = house.vast;
    house.vast.terminate = async (id, context) => {
      await terminate(id, context);
      house.vast.statuses.set(id, null);
    };
    await runs(house, 10, house.app());
    expect(new Set(house.vast.terminated).size).toBe(200);
  });
});

test('of what a live record names no record is read again', async () => {
  const house = watchHouse();
  await house.live(liveRecord());
  house.vast.statuses.set('i-d1', aStatus('i-d1', 'd1'));
  let reads = 0;
  const { get } = house.state;
  house.state.get = (key) => {
    reads += 1;
    return get(key);
  };
  await runs(house, 1);
  expect(reads).toBe(1);
});

test('what a deployment leaves at another provider is found while it lives on', async () => {
  const house = watchHouse();
  await house.live(liveRecord());
  house.vast.statuses.set('i-d1', aStatus('i-d1', 'd1'));
  house.akash.statuses.set('twin', { ...stray('d1'), instance_id: 'twin' });
  await runs(house, ORPHAN_LOOKS, house.app());
  expect(house.akash.terminated).toEqual(['twin']);
  expect(house.vast.terminated).toEqual([]);
});
