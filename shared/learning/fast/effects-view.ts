/**
 * The posteriors of the five heads as scoring sees them: mean and variance of the linear predictors of a row, and what two
 * rows have in common. All heads have the same rows, so they lie side by side in memory: a pair of effects is looked up once
 * for the five. The covariance of all effects that meet in one provider's rows is worked out once a provider, so that a row
 * costs the square of what is not zero in it, and a pair of rows of two providers the shared effects once for each of their own.
 */
import { eachHead, HEADS, type PerHead } from '../heads.ts';
import type { Row } from './effects.ts';
import { type HeadEffects, type Joint, jointOf, WIDTH } from './joint.ts';
import {
  addAhead,
  addAnswers,
  addMean,
  addProduct,
  addSquare,
  answer,
  see,
  seenNothing,
  takeSums,
} from './joint-sums.ts';

export interface EffectsView {
  /** Of the linear predictors without their offsets. */
  moments(row: Row): Moments;
  /** Of this row's predictors with those of others, in their order. */
  covariances(row: Row, others: readonly Row[]): readonly PerHead<number>[];
  /** Works out now what the first row of a provider would have to wait for. */
  prepare(provider: string): void;
  /** Those that are known. */
  readonly providers: readonly string[];
  /** Variance of one response around its mean; 0 for heads that have none. */
  readonly noise: PerHead<number>;
}

export interface Moments {
  readonly mean: PerHead<number>;
  readonly variance: PerHead<number>;
}

/** The row that is asked about, and the one that others are held against: used up before the next are. */
const ASKED = seenNothing();
const HELD = seenNothing();

export function createEffectsView(heads: PerHead<HeadEffects>): EffectsView {
  const providers = [...new Set(HEADS.flatMap((head) => [...heads[head].posterior.providers.keys()]))];
  const known = new Set(providers);
  const stranger = jointOf(heads, null);
  const joints = new Map<string, Joint>();
  /** All joints have the same shared effects. */
  const answers = new Float64Array(stranger.shared * WIDTH);
  const jointFor = (provider: string): Joint => {
    if (!known.has(provider)) return stranger;
    const joint = joints.get(provider) ?? jointOf(heads, provider);
    joints.set(provider, joint);
    return joint;
  };
  /** Columns that came after these posteriors, or never, stand for themselves. */
  const ahead = (x: Row, y: Row, joint: Joint): void => {
    addAhead(x.shared, y.shared, joint.shared, (head, column) => heads[head].prior.sharedVariance(column));
    if (x.provider !== y.provider) return;
    addAhead(x.local, y.local, joint.size - joint.shared, (head, column) =>
      heads[head].prior.localVariance(x.provider, column),
    );
  };

  return {
    providers,
    noise: eachHead((head) => heads[head].noise),
    prepare: (provider) => void jointFor(provider),
    moments(row) {
      const joint = jointFor(row.provider);
      const seen = see(row, joint, ASKED);
      addMean(joint, seen);
      const mean = takeSums();
      addSquare(joint, seen);
      if (!seen.all) ahead(row, row, joint);
      const square = takeSums();
      return { mean, variance: eachHead((head) => Math.max(0, square[head])) };
    },
    covariances(row, others) {
      const joint = jointFor(row.provider);
      const seen = see(row, joint, HELD);
      answer(joint, seen, answers);
      return others.map((other) => {
        const theirs = jointFor(other.provider);
        const asked = see(other, theirs, ASKED);
        if (theirs === joint) addProduct(joint, seen, asked);
        else addAnswers(theirs, asked, answers);
        if (!seen.all && !asked.all) ahead(row, other, joint);
        return takeSums();
      });
    },
  };
}
