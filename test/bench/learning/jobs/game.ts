/** The war game itself: one world, several policies. */
import type { PolicyName } from '#cli/wargame/policies/index.ts';
import type { WorldOptions } from '#cli/wargame/world.ts';
import { loadMarketSpec } from '#sim/market/load-spec.ts';
import { type FiguresByPolicy, type OnShare, playAll } from './play.ts';

/** An ablation is a shorter game of what the learner is made of. */
export interface GameJob<K extends 'game' | 'ablation' = 'game'> {
  readonly kind: K;
  readonly market: string;
  readonly seed: number;
  readonly decisions: number;
  /** Besides rules and oracle. */
  readonly policies: readonly PolicyName[];
  readonly deviation: number;
  readonly slow_feedback: number;
  /** Null: as many as the market was sized for. */
  readonly decisions_per_day: number | null;
}

export interface GameResult {
  readonly figures: FiguresByPolicy;
}

export async function runGame(job: GameJob<'game' | 'ablation'>, onShare: OnShare): Promise<GameResult> {
  return { figures: await playAll(worldOf(job), job.policies, { onShare }) };
}

function worldOf({
  market,
  seed,
  decisions,
  deviation,
  slow_feedback,
  decisions_per_day,
}: GameJob<'game' | 'ablation'>): WorldOptions {
  const sized = loadMarketSpec(market);
  const spec = decisions_per_day === null ? sized : { ...sized, arrivals_per_hour: decisions_per_day / 24 };
  return { spec, seed, deviation, scenario: null, decisions, slowFeedback: slow_feedback };
}
