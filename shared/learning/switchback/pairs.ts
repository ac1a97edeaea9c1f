/**
 * The record of a switchback, block by block. In: the trial and its decisions in any order. Out: the difference of mean
 * realised utility of each pair of blocks whose runs are (nearly) all over, in the order of the pairs.
 */
import { SWITCHBACK_MATURED_SHARE, SWITCHBACK_PATIENCE_MS, SWITCHBACK_PATIENCE_SHARE } from '#shared/defaults.ts';
import { armOf, armOfBlock, blockEndMs, type Trial } from './schedule.ts';
import type { PairDifference } from './subset-means.ts';

/** A decision made while the trial ran. */
export interface TrialRow {
  readonly decidedAtMs: number;
  /** Its run has ended, or never began. */
  readonly ended: boolean;
  /** Realised utility; null: not ended, or its end says nothing of the offer (the tenant's fault, our own). */
  readonly reward: number | null;
  /** What is alike in it before anybody chose: its kind of work. Means are compared within it. */
  readonly stratum: string;
}

interface Block {
  decided: number;
  ended: number;
  /** Of rewards. */
  count: number;
  sum: number;
}

/** Up to the first pair that is still open; pairs of too few rewards are left out. */
export function maturedPairs(trial: Trial, rows: readonly TrialRow[], nowMs: number): readonly PairDifference[] {
  const counted = rows
    .map((row) => ({ ...row, ...armOf(trial, row.decidedAtMs) }))
    .filter(({ washout, block }) => !washout && blockEndMs(trial, block) <= nowMs);
  const means = stratumMeans(counted);
  const blocks = new Map<number, Block>();
  for (const { block, ended, reward, stratum } of counted) {
    const tally = blocks.get(block) ?? { decided: 0, ended: 0, count: 0, sum: 0 };
    blocks.set(block, tally);
    tally.decided += 1;
    if (ended) tally.ended += 1;
    if (reward === null) continue;
    tally.count += 1;
    tally.sum += reward - (means.get(stratum) ?? 0);
  }
  const pairs: PairDifference[] = [];
  for (let first = 0; blockEndMs(trial, first + 1) <= nowMs; first += 2) {
    const two = [first, first + 1];
    if (two.some((block) => isOpen(blocks.get(block), nowMs - blockEndMs(trial, block)))) break;
    const [control, challenger] = two
      .toSorted((a) => (armOfBlock(trial, a) === trial.arms[0] ? -1 : 1))
      .map((block) => blocks.get(block));
    if (control === undefined || challenger === undefined || control.count === 0 || challenger.count === 0) continue;
    pairs.push({
      difference: challenger.sum / challenger.count - control.sum / control.count,
      weight: (control.count * challenger.count) / (control.count + challenger.count),
    });
  }
  return pairs;
}

/** Failures end first: a block counts when (nearly) all of its runs have, or after the patience with what there is. */
function isOpen(block: Block | undefined, ageMs: number): boolean {
  if (block === undefined) return false;
  const share = block.ended / block.decided;
  return share < (ageMs < SWITCHBACK_PATIENCE_MS ? SWITCHBACK_MATURED_SHARE : SWITCHBACK_PATIENCE_SHARE);
}

/**
 * Over both arms together: a function of what was asked and what came of it, not of who acted, so under the hypothesis of no
 * difference it does not change when signs flip, and the test stays exact. Takes 6 to 13 % off the variance on two markets.
 */
function stratumMeans(rows: readonly TrialRow[]): ReadonlyMap<string, number> {
  const sums = new Map<string, { count: number; sum: number }>();
  for (const { stratum, reward } of rows) {
    if (reward === null) continue;
    const known = sums.get(stratum) ?? { count: 0, sum: 0 };
    sums.set(stratum, known);
    known.count += 1;
    known.sum += reward;
  }
  return new Map([...sums].map(([stratum, { count, sum }]) => [stratum, sum / count]));
}
