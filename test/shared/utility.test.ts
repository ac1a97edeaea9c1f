import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { predicted as predictedSchema } from '#shared/domain/decision.ts';
import { DEFAULT_WEIGHTS } from '#shared/domain/request.ts';
import { realisedUtility, runResultOf } from '#shared/domain/utility.ts';
import { advertisedParts, expectedUtility, partsFromRaw } from '#shared/learning/expected-utility.ts';
import { testCases } from '#test/support/cases.ts';
import { aModel, seeded } from '#test/support/model.ts';
import { anOffer, aWorkload, offerArbitrary, workloadArbitrary } from '#test/support/offers.ts';
import { anOutcome } from '#test/support/outcomes.ts';

const numRuns = testCases;
const { targets } = aModel().manifest;
const plain = { price: { mean: 0, std: 1 }, latency: { mean: 0, std: 1 }, ready: { mean: 0, std: 1 } };

describe('realised utility', () => {
  const workload = aWorkload({ gpu_hours: 10, max_price: 0.5, max_latency_ms: 200 });
  const run = { completed: true, became_ready: true, cost_usd: 4, latency_ms: 100, ready_ms: 90_000, lost_share: 0 };

  it.each([
    ['a good run', run, 1 - 0.35 * 0.8 - 0.3 * 0.5 - 0.15 * 0.1],
    ['latency at most twice', { ...run, latency_ms: 1e5 }, 1 - 0.35 * 0.8 - 0.3 * 2 - 0.15 * 0.1],
    ['ready at most the limit', { ...run, ready_ms: 1e9 }, 1 - 0.35 * 0.8 - 0.3 * 0.5 - 0.15],
    ['latency and ready not measured', { ...run, latency_ms: null, ready_ms: null }, 1 - 0.35 * 0.8 - 0.3 - 0.15],
    [
      'interrupted half way',
      { ...run, completed: false, cost_usd: 2, lost_share: 0.5 },
      -0.35 * 0.4 - 0.3 * 0.5 - 0.15 * 0.1 - 0.2 * 0.5,
    ],
    [
      'never ready',
      { completed: false, became_ready: false, cost_usd: 0, latency_ms: null, ready_ms: null, lost_share: 0 },
      -0.3 * 2 - 0.15,
    ],
  ])('of %s', (_, result, expected) => {
    expect(realisedUtility(workload, result)).toBeCloseTo(expected, 12);
  });

  it.each<[string, Parameters<typeof anOutcome>[0], object | null]>([
    ['completed', {}, { completed: true, became_ready: true, lost_share: 0 }],
    [
      'preempted half way',
      { status: 'preempted', useful_gpu_hours: 4, blame: 'provider' },
      { completed: false, became_ready: true, lost_share: 0.5 },
    ],
    [
      'preempted, nothing useful known',
      { status: 'preempted', useful_gpu_hours: null, blame: 'provider' },
      { became_ready: true, lost_share: 1 },
    ],
    [
      'failed to start',
      { status: 'failed_to_start', ready_ms: null, blame: 'provider' },
      { completed: false, became_ready: false, lost_share: 0 },
    ],
    ['not final', { status: 'ready', final: false }, null],
    ["the tenant's fault", { status: 'failed', blame: 'tenant' }, null],
    ['our fault', { status: 'failed', blame: 'ours' }, null],
    ['cancelled', { status: 'cancelled' }, null],
  ])('stands on the facts of an outcome that is %s', (_, changes, expected) => {
    const result = runResultOf(anOutcome(changes));
    if (expected === null) expect(result).toBeNull();
    else expect(result).toMatchObject(expected);
  });
});

describe('utility, realised and expected', () => {
  it('is finite for the tiniest and the dearest of jobs', () => {
    fc.assert(
      fc.property(workloadArbitrary, fc.double({ min: 0, noNaN: true, noDefaultInfinity: true }), (workload, cost) => {
        const run = { completed: false, became_ready: true, cost_usd: cost, latency_ms: 1, ready_ms: 1, lost_share: 1 };
        expect(Number.isFinite(realisedUtility(workload, run))).toBe(true);
      }),
      { numRuns },
    );
  });
});

describe('expected utility', () => {
  it('is the realised one where nothing is uncertain', () => {
    fc.assert(
      fc.property(workloadArbitrary, fc.double({ min: 0.01, max: 10, noNaN: true }), (given, usd) => {
        const workload = {
          ...given,
          gpu_hours: Math.max(0.01, given.gpu_hours),
          max_price: Math.max(0.01, given.max_price ?? 1),
        };
        const certain = { ready: 1, completed: 1, usd_per_gpu_hour: usd, latency_ms: 120, ready_ms: 60_000 };
        const realised = realisedUtility(workload, {
          completed: true,
          became_ready: true,
          cost_usd: usd * workload.gpu_hours,
          latency_ms: 120,
          ready_ms: 60_000,
          lost_share: 0,
        });
        const size = 1 + Math.abs(realised);
        expect(Math.abs(expectedUtility(workload, certain) - realised)).toBeLessThan(1e-9 * size);
      }),
      { numRuns },
    );
  });

  it('of an offer that never becomes ready is latency 2 and ready 1, nothing else', () => {
    const never = { ready: 0, completed: 0, usd_per_gpu_hour: 9, latency_ms: 1, ready_ms: 1 };
    expect(expectedUtility(aWorkload(), never)).toBeCloseTo(
      -2 * DEFAULT_WEIGHTS.latency - DEFAULT_WEIGHTS.availability,
      12,
    );
  });

  it('of an offer that is interrupted at once loses all work and costs nothing', () => {
    const doomed = { ready: 1, completed: 0, usd_per_gpu_hour: 9, latency_ms: 0, ready_ms: 0 };
    expect(expectedUtility(aWorkload(), doomed)).toBeCloseTo(-DEFAULT_WEIGHTS.reputation, 12);
  });

  // 100,000 draws: the standard error is below 0.004 (utilities spread by about 1); 5 of them.
  it.each([
    { ready: 0.9, hazard: 0.05, usd: 0.4, latency: 150, wait: 120_000 },
    { ready: 0.6, hazard: 0.8, usd: 0.9, latency: 500, wait: 2_000_000 },
    { ready: 1, hazard: 5, usd: 0.2, latency: 20, wait: 0 },
    { ready: 0.3, hazard: 1e-6, usd: 0.4, latency: 199, wait: 30_000 },
    { ready: 0.05, hazard: 0.2, usd: 3, latency: 199, wait: 30_000 },
  ])('is the mean of the realised one over simulated runs: %j', ({ ready, hazard, usd, latency, wait }) => {
    const workload = aWorkload({ gpu_hours: 8, gpu_count: 2 });
    const runHours = 4;
    const random = seeded(42);
    const draws = 100_000;
    let total = 0;
    for (let i = 0; i < draws; i++) {
      const becameReady = random() < ready;
      const interruptedAt = -Math.log(1 - random()) / hazard;
      const share = Math.min(1, interruptedAt / runHours);
      total += realisedUtility(workload, {
        completed: becameReady && share === 1,
        became_ready: becameReady,
        cost_usd: becameReady ? usd * workload.gpu_hours * share : 0,
        latency_ms: becameReady ? latency : null,
        ready_ms: becameReady ? wait : null,
        lost_share: becameReady ? 1 - share : 0,
      });
    }
    const parts = {
      ready,
      completed: ready * Math.exp(-hazard * runHours),
      usd_per_gpu_hour: usd,
      latency_ms: latency,
      ready_ms: wait,
    };
    expect(Math.abs(expectedUtility(workload, parts) - total / draws)).toBeLessThan(0.02);
  });

  it('is continuous where the hazard vanishes', () => {
    const at = (completed: number) =>
      expectedUtility(aWorkload(), { ready: 1, completed, usd_per_gpu_hour: 0.4, latency_ms: 100, ready_ms: 0 });
    for (const gap of [1e-7, 1e-8, 1e-9, 1e-10, 1e-12])
      expect(Math.abs(at(1) - at(1 - gap))).toBeLessThan(2 * gap + 1e-15);
  });

  it('falls when anything gets worse', () => {
    const unit = fc.double({ min: 0, max: 1, noNaN: true });
    const parts = fc.record({
      ready: fc.double({ min: 0.01, max: 1, noNaN: true }),
      survives: unit,
      usd: fc.double({ min: 0, max: 0.5, noNaN: true }),
      latency: fc.double({ min: 0, max: 1000, noNaN: true }),
      wait: fc.double({ min: 0, max: 2e6, noNaN: true }),
    });
    const of = (
      workload: ReturnType<typeof aWorkload>,
      p: { ready: number; survives: number; usd: number; latency: number; wait: number },
    ) =>
      expectedUtility(workload, {
        ready: p.ready,
        completed: p.ready * p.survives,
        usd_per_gpu_hour: p.usd,
        latency_ms: p.latency,
        ready_ms: p.wait,
      });
    fc.assert(
      fc.property(parts, unit, (p, worse) => {
        const base = of(aWorkload(), p) + 1e-9;
        expect(of(aWorkload(), { ...p, usd: p.usd + worse })).toBeLessThanOrEqual(base);
        expect(of(aWorkload(), { ...p, latency: p.latency + 1000 * worse })).toBeLessThanOrEqual(base);
        expect(of(aWorkload(), { ...p, wait: p.wait + 1e6 * worse })).toBeLessThanOrEqual(base);
        // At half the budget: a dearer run that is interrupted early costs less than it loses.
        const cheap = { ...p, usd: p.usd / 2 };
        expect(of(aWorkload(), { ...cheap, survives: p.survives * worse })).toBeLessThanOrEqual(
          of(aWorkload(), cheap) + 1e-9,
        );
      }),
      { numRuns },
    );
  });

  it('takes advertised values at their word', () => {
    const advertised = advertisedParts(anOffer());
    expect(advertised).toEqual({ ready: 1, completed: 1, usd_per_gpu_hour: 0.4, latency_ms: 100, ready_ms: 0 });
    expect(expectedUtility(aWorkload(), advertised)).toBeCloseTo(1 - 0.35 * 0.8 - 0.3 * 0.5, 12);
  });
});

describe('raw outputs as parts', () => {
  it('are logit, log hazard and standardised logs', () => {
    const workload = aWorkload({ gpu_hours: 8, gpu_count: 2 });
    const offer = anOffer({ usd_per_gpu_hour: 0.4, latency_ms: 100 });
    const raw = [9, 9, 9, 9, 9, Math.log(3), Math.log(0.25), 1, -1, 2];
    const scales = { price: { mean: 0.1, std: 0.2 }, latency: { mean: 0.3, std: 0.5 }, ready: { mean: 10, std: 0.5 } };
    const parts = partsFromRaw(raw, 5, scales, workload, offer);
    expect(parts.ready).toBeCloseTo(0.75, 12);
    expect(parts.completed).toBeCloseTo(0.75 * Math.exp(-1), 12);
    expect(parts.usd_per_gpu_hour).toBeCloseTo(0.4 * Math.exp(0.3), 12);
    expect(parts.latency_ms).toBeCloseTo(100 * Math.exp(-0.2), 9);
    expect(parts.ready_ms).toBeCloseTo(Math.exp(11), 6);
  });

  it.each([
    [-1e30, { ready: 0, completed: 0, usd_per_gpu_hour: 0.04, latency_ms: 1, ready_ms: 100 }],
    [1e30, { ready: 1, completed: 0, usd_per_gpu_hour: 4, latency_ms: 10_000, ready_ms: 86_400_000 }],
    [
      Number.POSITIVE_INFINITY,
      { ready: 1, completed: 0, usd_per_gpu_hour: 4, latency_ms: 10_000, ready_ms: 86_400_000 },
    ],
  ])('stay within their limits at %d', (z, expected) => {
    const parts = partsFromRaw([z, z, z, z, z], 0, plain, aWorkload(), anOffer());
    for (const [part, value] of Object.entries(expected))
      expect(parts[part as keyof typeof parts]).toBeCloseTo(value, 6);
  });

  it('give a valid prediction and a finite utility for any raw output, request and offer', () => {
    const raw = fc.array(fc.float({ noNaN: true }), { minLength: 5, maxLength: 5 });
    fc.assert(
      fc.property(raw, workloadArbitrary, offerArbitrary, (z, workload, offer) => {
        const parts = partsFromRaw(z, 0, targets, workload, offer);
        expect(predictedSchema.parse(parts)).toEqual(parts);
        expect(parts.completed).toBeLessThanOrEqual(parts.ready);
        expect(Number.isFinite(expectedUtility(workload, parts))).toBe(true);
        expect(Number.isFinite(expectedUtility(workload, advertisedParts(offer)))).toBe(true);
      }),
      { numRuns },
    );
  });
});
