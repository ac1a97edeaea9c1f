import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createMarket } from '#sim/market/market.ts';
import { testCases } from '#test/support/cases.ts';
import { HOUR_MS, order, START_MS, smallOffer, smallSpec } from './small-market.ts';

const STAGE = {
  provisioning: 0,
  running: 1,
  completed: 2,
  failed_to_start: 2,
  preempted: 2,
  failed: 2,
  cancelled: 2,
  exited: 2,
};
const harsh = smallSpec([smallOffer({ capacity_gpu_hours: 1e6 }, { hazard_per_hour: 0.3, ready_sigma: 0.5 })], {
  network_blame_share: 0.3,
});

describe('the status of an instance', () => {
  it('only moves forward in time, and adds up', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, maxLength: 12 }),
        fc.double({ min: 0.05, max: 12, noNaN: true }),
        fc.integer({ min: 1, max: 8 }),
        fc.array(fc.double({ min: 0, max: 20, noNaN: true }), { minLength: 2, maxLength: 12 }),
        fc.option(fc.double({ min: 0, max: 6, noNaN: true })),
        (label, gpuHours, gpuCount, hours, cancelAfter) => {
          const market = createMarket({ spec: harsh, seed: 1, deviation: 1 });
          const placed = { ...order(label, START_MS), gpu_hours: gpuHours, gpu_count: gpuCount };
          const { instance_id } = market.deploy(placed);
          if (cancelAfter !== null) market.terminate(instance_id, START_MS + cancelAfter * HOUR_MS);
          const seen = hours
            .toSorted((a, b) => a - b)
            .map((after) => market.status(instance_id, START_MS + after * HOUR_MS));
          seen.forEach((status, index) => {
            if (status === null) throw new Error('expected a status');
            expect(status.useful_gpu_hours).toBeLessThanOrEqual(status.billed_gpu_hours + 1e-9);
            expect(status.billed_gpu_hours).toBeCloseTo(status.exposure_hours * gpuCount, 9);
            expect(status.billed_gpu_hours).toBeLessThanOrEqual(gpuHours + 1e-3);
            if (status.state === 'completed') expect(status.useful_gpu_hours).toBe(gpuHours);
            const before = seen[index - 1];
            if (before === undefined || before === null) return;
            expect(STAGE[status.state]).toBeGreaterThanOrEqual(STAGE[before.state]);
            expect(status.cost_usd).toBeGreaterThanOrEqual(before.cost_usd);
            expect(status.useful_gpu_hours).toBeGreaterThanOrEqual(before.useful_gpu_hours);
            if (before.ready_at !== null) expect(status.ready_at).toBe(before.ready_at);
            if (before.ended_at !== null) expect(status).toEqual(before);
          });
        },
      ),
      { numRuns: testCases, seed: 20_260_101 },
    );
  });

  it('knows failures in minutes and successes after the run', () => {
    const market = createMarket({ spec: harsh, seed: 2, deviation: 1 });
    const ends = Array.from({ length: 500 }, (_, index) => {
      const { instance_id } = market.deploy(order(`run ${index}`, START_MS));
      return market.status(instance_id, START_MS + 100 * HOUR_MS);
    });
    const hours = (state: string): number[] =>
      ends.filter((end) => end?.state === state).map((end) => (Date.parse(end?.ended_at ?? '') - START_MS) / HOUR_MS);
    expect(Math.max(...hours('failed_to_start'))).toBeLessThan(1);
    expect(Math.min(...hours('completed'))).toBeGreaterThan(4);
    for (const state of ['failed_to_start', 'completed', 'preempted', 'failed'])
      expect(hours(state).length, state).toBeGreaterThan(10);
  });

  it('keeps whole checkpoints of an interrupted run, and bills the time until then', () => {
    const market = createMarket({ spec: harsh, seed: 3, deviation: 1 });
    const interrupted = Array.from({ length: 200 }, (_, index) => market.deploy(order(`run ${index}`, START_MS)))
      .map(({ instance_id }) => market.status(instance_id, START_MS + 100 * HOUR_MS))
      .filter((end) => end?.state === 'preempted' || end?.state === 'failed');
    expect(interrupted.length).toBeGreaterThan(20);
    for (const end of interrupted) {
      expect(end?.useful_gpu_hours).toBe(Math.floor(end?.exposure_hours ?? -1));
      expect(end?.cost_usd).toBeCloseTo((end?.exposure_hours ?? -1) * 0.4, 9);
      expect(['provider', 'network']).toContain(end?.blame);
    }
  });

  it('is cancelled once: capacity comes back, the bill stops, an ended run stays as it was', () => {
    const market = createMarket({ spec: smallSpec(), seed: 1, deviation: 0 });
    const free = (nowMs: number): number | null | undefined => market.offers(nowMs)[0]?.capacity_gpu_hours;
    const { instance_id } = market.deploy(order('a', START_MS));
    expect(free(START_MS)).toBe(96);
    const at = START_MS + 60_000 + 1.5 * HOUR_MS;
    expect(market.terminate(instance_id, at)).toBe(true);
    expect(free(at)).toBe(100);
    const end = market.status(instance_id, at);
    expect(end).toMatchObject({ state: 'cancelled', exposure_hours: 1.5, useful_gpu_hours: 1, billed_gpu_hours: 1.5 });
    expect(market.terminate(instance_id, at + 1)).toBe(false);
    expect(market.terminate('i-unknown', at)).toBe(false);
    expect(market.status(instance_id, at + HOUR_MS)).toEqual(end);
    expect(market.status('i-unknown', at)).toBeNull();
  });
});
