import { describe, expect, it } from 'vitest';
import { POLICIES, POLICY_NAMES, type PolicyName } from '#cli/wargame/policies/index.ts';
import type { Choice, Policy, PolicyOf } from '#cli/wargame/policies/policy.ts';
import { drawOf, type Play, playWorld, type WorldOptions } from '#cli/wargame/world.ts';
import { diceOf } from '#sim/market/instance.ts';
import { loadMarketSpec } from '#sim/market/load-spec.ts';
import type { MarketSpec } from '#sim/market/spec.ts';
import { smallOffer, smallSpec } from '#test/sim/small-market.ts';

const world = (more: Partial<WorldOptions> = {}): WorldOptions => ({
  spec: loadMarketSpec('default'),
  seed: 1,
  deviation: 1,
  scenario: null,
  decisions: 128,
  slowFeedback: 1,
  ...more,
});

/** Four offers whose figures mislead: the cheapest and most reputed fails, the dearest keeps its word. */
const misleading = (more: Readonly<Record<string, unknown>> = {}): MarketSpec =>
  smallSpec(
    [
      smallOffer({ provider: 'bargain', usd_per_gpu_hour: 0.25, reputation: 95 }, { start: 0.5, gone: 0.2 }),
      smallOffer({ provider: 'middling', usd_per_gpu_hour: 0.33 }, { start: 0.8, hazard_per_hour: 0.2 }),
      smallOffer({ provider: 'flashy', usd_per_gpu_hour: 0.36, latency_ms: 120 }, { start: 0.7, latency_ratio: 4 }),
      smallOffer(
        { provider: 'steady', usd_per_gpu_hour: 0.42, reputation: 60 },
        { start: 0.99, hazard_per_hour: 0.005 },
      ),
    ],
    more,
  );

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const utilityOf = ({ utility }: Play): number => meanOf([...utility].filter((value) => !Number.isNaN(value)));
const bytesOf = ({ utility, realised }: Play): string =>
  `${Buffer.from(utility.buffer).toString('hex')} ${JSON.stringify(realised)}`;

describe('a world', () => {
  it.each(POLICY_NAMES)('played twice by %s gives the same bytes', async (policy) => {
    const [once, again] = [await playWorld(world(), POLICIES[policy]), await playWorld(world(), POLICIES[policy])];
    expect(bytesOf(again)).toBe(bytesOf(once));
  });

  it('brings the same requests at the same instants to every policy, and another seed others', async () => {
    const seenBy = async (policy: PolicyName, seed: number): Promise<readonly unknown[]> => {
      const seen: unknown[] = [];
      await playWorld(
        world({ seed, decisions: 100 }),
        watching(POLICIES[policy], { choice: (it) => seen.push([it.nowMs, it.workload]) }),
      );
      return seen;
    };
    const byRules = await seenBy('rules', 1);
    expect(byRules).toHaveLength(100);
    expect(await seenBy('tables', 1)).toEqual(byRules);
    expect(await seenBy('rules', 2)).not.toEqual(byRules);
  });

  it.each(['default', 'second'])('of market %s is worth most to the oracle', async (name) => {
    const options = world({ spec: loadMarketSpec(name), decisions: 100 });
    const byOracle = utilityOf(await playWorld(options, POLICIES.oracle));
    for (const policy of POLICY_NAMES.filter((known) => known !== 'oracle'))
      expect(utilityOf(await playWorld(options, POLICIES[policy])), policy).toBeLessThan(byOracle);
  });

  it('rewards learning: aurora closes more than half of a gap, first steps included, that promises do not show', async () => {
    const options = world({ spec: misleading(), decisions: 800 });
    const [rules, advertised, aurora, oracle] = await Promise.all(
      (['rules', 'advertised', 'aurora', 'oracle'] as const).map(async (policy) =>
        utilityOf(await playWorld(options, POLICIES[policy])),
      ),
    );
    const gap = (policy = 0): number => (policy - (rules ?? 0)) / ((oracle ?? 0) - (rules ?? 0));
    expect(gap(advertised)).toBeLessThan(0.3);
    expect(gap(aurora)).toBeGreaterThan(0.5);
  });

  it('draws the choices by dice of its own', () => {
    const draws = Array.from({ length: 2_000 }, (_, index) => drawOf(1, index));
    const rolled = draws.map((_, index) => diceOf(1, `d${index}`, 'vast:a100-us-west'));
    expect(meanOf(draws)).toBeCloseTo(0.5, 1);
    for (const die of ['gone', 'mode', 'start', 'blame'] as const) {
      const values = rolled.map((dice) => dice[die]);
      expect(draws.some((draw, index) => draw === values[index])).toBe(false);
      const covariance = meanOf(draws.map((draw, index) => (draw - 0.5) * ((values[index] as number) - 0.5)));
      // Of uniforms: 1/12 is a correlation of one; its standard error here is .022.
      expect(Math.abs(12 * covariance)).toBeLessThan(0.08);
    }
  });

  it('counts what became of the decisions, the tenants own faults aside', async () => {
    const spec = misleading({ tenant_fault_share: 0.1 });
    const { realised } = await playWorld(world({ spec, decisions: 1_000 }), POLICIES.oracle);
    expect(realised).toMatchObject({ decisions: 1_000, no_offer: 0 });
    expect(realised.censored / 1_000).toBeCloseTo(0.1, 1);
    expect(realised.completed / (1_000 - realised.censored)).toBeGreaterThan(0.95);
    expect(realised.cost_usd / realised.useful_gpu_hours).toBeCloseTo(0.42, 1);
  });

  it('goes on where nothing is eligible', async () => {
    const spec = misleading({
      scenario: ['bargain', 'middling', 'flashy', 'steady'].map((provider) => ({
        type: 'outage',
        provider,
        from_h: 0,
        to_h: 5,
      })),
    });
    const play = await playWorld(world({ spec, decisions: 100 }), POLICIES.rules);
    expect(play.realised.no_offer).toBeGreaterThan(20);
    expect(play.realised.no_offer + play.realised.decisions).toBe(100);
    expect([...play.utility].filter(Number.isNaN)).toHaveLength(play.realised.no_offer);
  });

  it('ends when the one who watches it throws', async () => {
    const stop = (done: number): void => {
      if (done > 100) throw new Error('enough');
    };
    await expect(playWorld(world(), POLICIES.rules, stop)).rejects.toThrow('enough');
  });
});

describe('feedback', () => {
  interface Heard {
    readonly what: 'ready' | 'final';
    readonly key: string;
    readonly decidedMs: number;
    readonly atMs: number;
    /** Choices made before it was heard. */
    readonly choices: number;
  }
  /** The rules' choices do not depend on what they hear, so that runs can be compared. */
  const heardAt = async (slowFeedback: number): Promise<{ heard: readonly Heard[]; choices: readonly number[] }> => {
    const heard: Heard[] = [];
    const choices: number[] = [];
    const listen = watching(POLICIES.rules, {
      choice: ({ nowMs }) => choices.push(nowMs),
      news: (what, { key, decidedMs, atMs }) => heard.push({ what, key, decidedMs, atMs, choices: choices.length }),
    });
    await playWorld(world({ spec: misleading(), decisions: 500, slowFeedback }), listen);
    return { heard, choices };
  };

  it('comes between the choices before and after its instant', async () => {
    const { heard, choices } = await heardAt(1);
    expect(heard.length).toBeGreaterThan(500);
    for (const { atMs, choices: made } of heard) {
      expect(atMs).toBeLessThanOrEqual(choices[made] ?? Number.POSITIVE_INFINITY);
      expect(atMs).toBeGreaterThanOrEqual(choices[made - 1] ?? 0);
    }
    const gone = heard.filter(({ atMs, decidedMs }) => atMs === decidedMs);
    expect(gone.length).toBeGreaterThan(20);
    const readyFirst = heard.filter(({ what }) => what === 'ready');
    expect(readyFirst.length).toBeGreaterThan(100);
    for (const { key, atMs } of readyFirst)
      expect(heard.find((other) => other.key === key && other.what === 'final')?.atMs ?? atMs).toBeGreaterThanOrEqual(
        atMs,
      );
  });

  it('is as many times slower as it is told, "offer gone" excepted', async () => {
    const [quick, slow] = [await heardAt(1), await heardAt(20)];
    expect(slow.choices).toEqual(quick.choices);
    const delays = ({ heard }: { heard: readonly Heard[] }): Map<string, number> =>
      new Map(heard.map(({ what, key, decidedMs, atMs }) => [`${what} ${key}`, atMs - decidedMs]));
    const [before, after] = [delays(quick), delays(slow)];
    expect(after.size).toBeGreaterThan(100);
    expect(after.size).toBeLessThan(before.size);
    for (const [news, delay] of after) expect(delay).toBeCloseTo(20 * (before.get(news) ?? Number.NaN), 3);
  });
});

function watching(
  policyOf: PolicyOf,
  watch: {
    readonly choice?: (choice: Choice) => void;
    readonly news?: (what: 'ready' | 'final', lesson: Parameters<Policy['final']>[0]) => void;
  },
): PolicyOf {
  return (market) => {
    const policy = policyOf(market);
    return {
      distribution(choice) {
        watch.choice?.(choice);
        return policy.distribution(choice);
      },
      ready(lesson) {
        watch.news?.('ready', lesson);
        policy.ready(lesson);
      },
      final(lesson) {
        watch.news?.('final', lesson);
        policy.final(lesson);
      },
      drop: policy.drop,
    };
  };
}
