/**
 * The provider that the oracle takes most fails in silence in the middle of the run, for some days, and comes back. Which one
 * that is depends on the world, so it is found in each.
 */
import type { PolicyName } from '#cli/wargame/policies/index.ts';
import { oraclePolicy } from '#cli/wargame/policies/oracle.ts';
import type { PolicyOf } from '#cli/wargame/policies/policy.ts';
import { arrivalsOf, playWorld, type WorldOptions } from '#cli/wargame/world.ts';
import { MS_PER_HOUR } from '#shared/defaults.ts';
import { bestIndex } from '#shared/learning/policy/chances.ts';
import { loadMarketSpec } from '#sim/market/load-spec.ts';
import type { ScenarioEvent } from '#sim/market/scenario.ts';
import { type FiguresByPolicy, type OnShare, playAll } from './play.ts';

/** One start in twenty still succeeds, and what runs breaks twenty times as often: no offer says so. */
const FACTOR = 0.05;

export interface OutageJob {
  readonly kind: 'outage';
  readonly market: string;
  readonly seed: number;
  readonly decisions: number;
  /** The decisions that fall into it: [from, to). */
  readonly from: number;
  readonly to: number;
  readonly policies: readonly PolicyName[];
}

export interface OutageResult {
  readonly provider: string;
  /** Of the oracle's choices before the outage. */
  readonly share: number;
  readonly hours: number;
  readonly figures: FiguresByPolicy;
}

export async function runOutage(job: OutageJob, onShare: OnShare): Promise<OutageResult> {
  const { market, seed, decisions, from, to } = job;
  const spec = loadMarketSpec(market);
  const calm: WorldOptions = { spec, seed, deviation: 1, scenario: null, decisions, slowFeedback: 1 };
  const { provider, share } = await topProvider({ ...calm, decisions: from });
  const instant = instantsOf(calm);
  const event: ScenarioEvent = {
    type: 'silent_degradation',
    provider,
    from_h: instant(from),
    to_h: instant(to),
    factor: FACTOR,
  };
  const scenario = [...spec.scenario, event];
  const figures = await playAll({ ...calm, scenario }, job.policies, { events: [{ from, to }], onShare });
  return { provider, share, hours: event.to_h - event.from_h, figures };
}

/** Hours from the start of the market, half way between a decision and the one before it: neither is in doubt. */
function instantsOf({ spec, seed, decisions }: WorldOptions): (decision: number) => number {
  const arrivals = arrivalsOf(spec, seed);
  const hours = Array.from({ length: decisions }, (_, index) => arrivals(index) / MS_PER_HOUR);
  return (decision) => ((hours[decision - 1] ?? 0) + (hours[decision] ?? Number.POSITIVE_INFINITY)) / 2;
}

async function topProvider(world: WorldOptions): Promise<{ readonly provider: string; readonly share: number }> {
  const counts = new Map<string, number>();
  const counting: PolicyOf = (market) => {
    const oracle = oraclePolicy(market);
    return {
      ...oracle,
      async distribution(choice) {
        const probabilities = await oracle.distribution(choice);
        const provider = choice.offers[bestIndex(probabilities)]?.provider;
        if (provider !== undefined) counts.set(provider, (counts.get(provider) ?? 0) + 1);
        return probabilities;
      },
    };
  };
  await playWorld(world, counting);
  const [top] = [...counts].sort(([, a], [, b]) => b - a);
  if (top === undefined) throw new RangeError('expected the oracle to choose something before the outage');
  const [provider, chosen] = top;
  return { provider, share: chosen / [...counts.values()].reduce((sum, count) => sum + count, 0) };
}
