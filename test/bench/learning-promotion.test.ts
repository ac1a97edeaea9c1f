import { describe, expect, it } from 'vitest';
import { playedBy } from '#cli/wargame/policies/played.ts';
import { HEARS_NOTHING } from '#cli/wargame/policies/policy.ts';
import { playWorld, type WorldOptions } from '#cli/wargame/world.ts';
import { FIRST_LOOK } from '#shared/defaults.ts';
import { loadMarketSpec } from '#sim/market/load-spec.ts';
import { runsDear } from '#test/support/dear.ts';
import type { JobOf, ResultOf } from './learning/jobs/index.ts';
import { runJob } from './learning/jobs/index.ts';
import { angleOf, calibrated, UPLIFT_TOLERANCE } from './learning/jobs/promotion/calibrate.ts';
import { challengerPlayer } from './learning/jobs/promotion/challenger.ts';
import type { Try } from './learning/jobs/promotion.ts';
import { AIMS } from './learning/report/aims.ts';
import { promotionsSection } from './learning/report/promotions.ts';
import { upperLimit } from './learning/report/upper-limit.ts';
import type { Measured } from './learning/results.ts';

const world = (market: string, decisions: number): WorldOptions => ({
  spec: loadMarketSpec(market),
  seed: 7,
  deviation: 1,
  scenario: null,
  decisions,
  slowFeedback: 1,
});

describe('the limit of a share', () => {
  /** beta.ppf(1 - alpha, count + 1, tries - count) of SciPy 1.17. */
  it.each([
    [0, 200, 0.05, 0.014867039],
    [0, 1, 0.05, 0.95],
    [1, 10, 0.05, 0.394163302],
    [2, 10, 0.05, 0.506901301],
    [5, 10, 0.025, 0.812913972],
    [3, 50, 0.05, 0.147837176],
    [10, 100, 0.05, 0.163717623],
    [399, 400, 0.05, 0.999871775],
    [400, 400, 0.05, 1],
  ])('of %d in %d tries at %d is that of Clopper and Pearson', (count, tries, alpha, limit) => {
    expect(upperLimit(count, tries, alpha)).toBeCloseTo(limit, 8);
  });
});

describe('the bisection', () => {
  it('finds an angle of the uplift, in few steps', async () => {
    let steps = 0;
    const falling = async (angle: number): Promise<number> => {
      steps += 1;
      return 0.1 * Math.cos(angle) - 0.02;
    };
    const { angle, uplift } = await angleOf(-0.05, 1e-3, falling);
    expect(Math.abs(uplift + 0.05)).toBeLessThanOrEqual(1e-3);
    expect(angle).toBeCloseTo(Math.acos(-0.3), 1);
    expect(steps).toBeLessThan(12);
  });

  it('gives the nearest of what it tried where nothing is near enough', async () => {
    const jump = async (angle: number): Promise<number> => (angle < 2 ? 0.1 : -0.2);
    expect((await angleOf(0, 1e-3, jump)).uplift).toBe(0.1);
  });
});

describe.skipIf(!runsDear)('a challenger', () => {
  it('takes the best where it believes the truth, and the worst where it believes the reverse', async () => {
    const differences: number[] = [];
    await playWorld(world('second', 60), (market) => {
      const [wise, fool] = [0, Math.PI].map((angle) => playedBy(challengerPlayer({ seed: 1, angle }, market)));
      return {
        ...HEARS_NOTHING,
        async distribution(choice) {
          const { workload, offers, nowMs } = choice;
          const truths = offers.map(
            (offer) => market.trueExpectation(workload, offer.offer_id, nowMs).expected_utility,
          );
          const chosen = async (policy: typeof wise): Promise<number> => {
            const probabilities = (await policy?.distribution(choice)) ?? [];
            return truths[probabilities.indexOf(Math.max(...probabilities))] ?? Number.NaN;
          };
          differences.push(Math.max(...truths) - (await chosen(wise)), (await chosen(fool)) - Math.min(...truths));
          return offers.map(() => 1 / offers.length);
        },
      };
    });
    expect(differences).toHaveLength(120);
    expect(Math.max(...differences)).toBeCloseTo(0, 9);
  });

  it.each([
    ['default', -0.02],
    ['second', 0.05],
  ])('gets on %s a true uplift of %d, and the same one again', async (market, wanted) => {
    const found = await calibrated(world(market, 500), 3, wanted);
    expect(Math.abs(found.uplift - wanted)).toBeLessThanOrEqual(UPLIFT_TOLERANCE);
    expect(await calibrated(world(market, 500), 3, wanted)).toEqual(found);
  });
});

describe.skipIf(!runsDear)('a try', () => {
  const tried = async (more: Partial<JobOf<'promotion'>>): Promise<Try> => {
    const job = {
      kind: 'promotion',
      market: 'default',
      seed: 1,
      tries: 1,
      uplift: 0.1,
      stretch: 500,
      decisions: 1_000,
    };
    const { tries } = (await runJob(
      { ...job, ...more } as JobOf<'promotion'>,
      () => undefined,
    )) as ResultOf<'promotion'>;
    return tries[0] as Try;
  };

  it('promotes who is much better, once gate and switchback have spoken', async () => {
    const { passed, promoted } = await tried({ uplift: 0.12, decisions: 12_000 });
    expect(passed).toBeGreaterThan(FIRST_LOOK);
    expect(promoted?.in_switchback).toBeGreaterThan(1_000);
    expect((promoted?.decisions ?? 0) - (promoted?.in_switchback ?? 0)).toBeGreaterThanOrEqual(passed ?? Number.NaN);
  });

  it('does not promote who is much worse', async () => {
    expect(await tried({ uplift: -0.12, decisions: 6_000 })).toMatchObject({ promoted: null });
  });
});

describe('the report', () => {
  const measured = (market: string, uplift: number, tries: readonly Try[]): Measured => ({
    key: `${market} ${uplift}`,
    seconds: 1,
    job: { kind: 'promotion', market, seed: 1, tries: tries.length, uplift, stretch: 500, decisions: 20_000 },
    result: { tries },
  });
  const never = (uplift: number): Try => ({ uplift, passed: null, promoted: null });
  const promotedAfter = (decisions: number, in_switchback: number): Try => ({
    uplift: 0.05,
    passed: decisions - in_switchback,
    promoted: { decisions, in_switchback },
  });
  const all = [
    measured('default', -0.05, [never(-0.049), never(-0.052)]),
    measured('default', -0.02, [never(-0.02)]),
    measured('default', 0.05, [
      promotedAfter(9_000, 5_000),
      promotedAfter(10_500, 5_000),
      promotedAfter(10_400, 6_400),
      promotedAfter(10_000, 6_000),
    ]),
  ];

  it('holds both parts of the way against the aim, and states the limit of what was not seen', () => {
    const cellOf = (id: string, market: 'default' | 'second') => AIMS.find((aim) => aim.id === id)?.cell(all, market);
    // 1 - .05^(1/3).
    expect(cellOf('promotion-worse', 'default')).toEqual({ text: '0 of 3 (at most 63.2 %)', met: true });
    expect(cellOf('promotion-05', 'default')).toEqual({ text: '50.0 % of 4', met: false });
    expect(cellOf('promotion-02', 'default')?.text).toBe('not measured');
    expect(cellOf('promotion-worse', 'second')?.text).toBe('not measured');
  });

  it('has a line for each uplift, and one for all that are worse', () => {
    const section = promotionsSection(all);
    expect(section).toContain('| default | -0.05 (-0.052 to -0.049) | 2 | 0 | 0 | - | 0.0 % | 77.6 % |');
    expect(section).toContain('| default | 0.05 (0.050 to 0.050) | 4 | 4 | 4 | 10,000 | 50.0 % | - |');
    expect(section).toContain('| all | worse (-0.052 to -0.020) | 3 | 0 | 0 | - | 0.0 % | 63.2 % |');
  });
});
