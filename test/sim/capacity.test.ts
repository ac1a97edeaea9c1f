import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RejectedError } from '#shared/errors.ts';
import { createMarket } from '#sim/market/market.ts';
import { testCases } from '#test/support/cases.ts';
import { HOUR_MS, order, START_MS, smallOffer, smallSpec } from './small-market.ts';

const spec = smallSpec([smallOffer({ capacity_gpu_hours: 20 }, { ready_sigma: 0.4 })]);

const step = fc.oneof(
  fc.record({ do: fc.constant('deploy' as const), amount: fc.double({ min: 0.1, max: 12, noNaN: true }) }),
  fc.record({ do: fc.constant('wait' as const), amount: fc.double({ min: 0, max: 6, noNaN: true }) }),
  fc.record({ do: fc.constant('terminate' as const), amount: fc.nat({ max: 30 }) }),
);

describe('capacity', () => {
  it('is conserved: free + held by live runs = total, and an order is taken exactly when it fits', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const market = createMarket({ spec, seed: 1, deviation: 1 });
        const ordered = new Map<string, number>();
        let nowMs = START_MS;
        const held = (): number =>
          market
            .instances(nowMs)
            .filter((line) => line.ended_at === null)
            .reduce((sum, line) => sum + (ordered.get(line.instance_id) ?? Number.NaN), 0);
        const free = (): number => market.offers(nowMs)[0]?.capacity_gpu_hours ?? Number.NaN;
        steps.forEach((one, index) => {
          if (one.do === 'wait') nowMs += one.amount * HOUR_MS;
          if (one.do === 'terminate') {
            const line = market.instances(nowMs)[one.amount];
            if (line !== undefined) market.terminate(line.instance_id, nowMs);
          }
          if (one.do === 'deploy') {
            const fits = one.amount <= free();
            try {
              const { instance_id } = market.deploy({ ...order(`run ${index}`, nowMs), gpu_hours: one.amount });
              ordered.set(instance_id, one.amount);
              expect(fits).toBe(true);
            } catch (error) {
              if (!(error instanceof RejectedError)) throw error;
              expect(error.code).toBe('offer_gone');
              expect(fits).toBe(false);
            }
          }
          expect(free() + held()).toBeCloseTo(20, 6);
        });
      }),
      { numRuns: testCases, seed: 20_260_101 },
    );
  });

  it('is shared with other customers, who come and go by the hour of the day', () => {
    const busy = { mean: 0.5, amplitude: 0.3, peak_hour: 18, noise: 0 };
    const market = createMarket({ spec: smallSpec([smallOffer({ busy })]), seed: 1, deviation: 0 });
    const free = (hour: number): number | null | undefined =>
      market.offers(START_MS + hour * HOUR_MS)[0]?.capacity_gpu_hours;
    expect(free(18)).toBeCloseTo(20, 9);
    expect(free(6)).toBeCloseTo(80, 9);
    expect(free(18 + 24)).toBeCloseTo(20, 9);
  });
});
