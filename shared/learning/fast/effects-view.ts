/**
 * The posteriors of the five heads as scoring sees them: mean and variance of the linear predictors of a row, and what two
 * rows have in common. All heads have the same rows, so they lie side by side in memory: a pair of effects is looked up once
 * for the five. The covariance of all effects that meet in one provider's rows is worked out once a provider, so that a row
 * costs the square of what is not zero in it, and a pair of rows of two providers the shared effects once for each of their own.
 */
import { eachHead, HEADS, type HeadName, type PerHead } from '../heads.ts';
import type { Row, Sparse } from './effects.ts';
import { type HeadEffects, type Joint, jointOf, WIDTH } from './joint.ts';

export interface EffectsView {
  /** Of the linear predictors without their offsets. */
  moments(row: Row): Moments;
  /** Of this row's predictors with another's: prepared once for a row that many are held against. */
  covarianceWith(row: Row): (other: Row) => PerHead<number>;
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

const NOTHING: readonly number[] = HEADS.map(() => 0);

/** One number for each head, at `place` in an array that holds them side by side. */
const headsAt = (numbers: ArrayLike<number>, place: number): PerHead<number> => ({
  start: numbers[place] as number,
  hazard: numbers[place + 1] as number,
  price: numbers[place + 2] as number,
  latency: numbers[place + 3] as number,
  ready: numbers[place + 4] as number,
});

export function createEffectsView(heads: PerHead<HeadEffects>): EffectsView {
  const providers = [...new Set(HEADS.flatMap((head) => [...heads[head].posterior.providers.keys()]))];
  const known = new Set(providers);
  const stranger = jointOf(heads, null);
  const joints = new Map<string, Joint>();
  const jointFor = (provider: string): Joint => {
    if (!known.has(provider)) return stranger;
    const joint = joints.get(provider) ?? jointOf(heads, provider);
    joints.set(provider, joint);
    return joint;
  };
  /** Columns that came after these posteriors, or never, stand for themselves. */
  const ahead = (x: Row, y: Row, joint: Joint, into: number[]): void => {
    aheadTogether(x.shared, y.shared, joint.shared, into, (head, column) => heads[head].prior.sharedVariance(column));
    if (x.provider !== y.provider) return;
    aheadTogether(x.local, y.local, joint.size - joint.shared, into, (head, column) =>
      heads[head].prior.localVariance(x.provider, column),
    );
  };

  return {
    providers,
    noise: eachHead((head) => heads[head].noise),
    prepare: (provider) => void jointFor(provider),
    moments(row) {
      const joint = jointFor(row.provider);
      const seen = seenOf(row, joint);
      const sums = NOTHING.slice();
      addForm(joint, seen, seen, sums);
      ahead(row, row, joint, sums);
      for (let h = 0; h < WIDTH; h++) sums[h] = Math.max(0, sums[h] as number);
      return { mean: meanOf(joint, seen), variance: headsAt(sums, 0) };
    },
    covarianceWith(row) {
      const joint = jointFor(row.provider);
      const seen = seenOf(row, joint);
      const answers = answersOf(joint, seen);
      return (other) => {
        const theirs = jointFor(other.provider);
        const sums = NOTHING.slice();
        if (other.provider === row.provider) addForm(joint, seen, seenOf(other, joint), sums);
        else addAnswers(theirs, seenOf(other, theirs), answers, sums);
        ahead(row, other, joint, sums);
        return headsAt(sums, 0);
      };
    },
  };
}

/** What of a row the posteriors know: places among the effects of its provider, and values. */
interface Seen {
  readonly places: readonly number[];
  readonly values: readonly number[];
}

function seenOf({ shared, local }: Row, joint: Joint): Seen {
  const places: number[] = [];
  const values: number[] = [];
  for (let a = 0; a < shared.indices.length; a++) {
    const column = shared.indices[a] as number;
    if (column >= joint.shared) continue;
    places.push(column);
    values.push(shared.values[a] as number);
  }
  const own = joint.size - joint.shared;
  for (let a = 0; a < local.indices.length; a++) {
    const column = local.indices[a] as number;
    if (column >= own) continue;
    places.push(joint.shared + column);
    values.push(local.values[a] as number);
  }
  return { places, values };
}

function meanOf({ mean }: Joint, { places, values }: Seen): PerHead<number> {
  const sums = NOTHING.slice();
  for (let a = 0; a < places.length; a++) addHeads(sums, values[a] as number, mean, (places[a] as number) * WIDTH);
  return headsAt(sums, 0);
}

/** to += x * from, of each head. */
function addHeads(to: number[], x: number, from: Float64Array, start: number): void {
  for (let h = 0; h < WIDTH; h++) to[h] = (to[h] as number) + x * (from[start + h] as number);
}

function addAll(to: number[], from: readonly number[]): void {
  for (let h = 0; h < WIDTH; h++) to[h] = (to[h] as number) + (from[h] as number);
}

/** sums += x'Cy of each head. The heads are written out: these are the innermost lines of scoring. */
function addForm({ size, covariance }: Joint, x: Seen, y: Seen, sums: number[]): void {
  let [start, hazard, price, latency, ready] = [0, 0, 0, 0, 0];
  const symmetric = x === y;
  for (let a = 0; a < x.places.length; a++) {
    const row = (x.places[a] as number) * size;
    const value = x.values[a] as number;
    // Of x'Cx both halves are the same.
    const twice = symmetric ? 2 * value : value;
    const until = symmetric ? a : y.places.length;
    for (let b = 0; b < until; b++) {
      const weight = twice * (y.values[b] as number);
      const place = (row + (y.places[b] as number)) * WIDTH;
      start += weight * (covariance[place] as number);
      hazard += weight * (covariance[place + 1] as number);
      price += weight * (covariance[place + 2] as number);
      latency += weight * (covariance[place + 3] as number);
      ready += weight * (covariance[place + 4] as number);
    }
    if (symmetric) addHeads(sums, value * value, covariance, (row + (x.places[a] as number)) * WIDTH);
  }
  addAll(sums, [start, hazard, price, latency, ready]);
}

/** Covariance of the shared effects with a row's predictors: shared x WIDTH. */
function answersOf({ shared, size, covariance }: Joint, { places, values }: Seen): Float64Array {
  const answers = new Float64Array(shared * WIDTH);
  for (let a = 0; a < places.length; a++) {
    const x = values[a] as number;
    const start = (places[a] as number) * size * WIDTH;
    for (let t = 0; t < answers.length; t++)
      answers[t] = (answers[t] as number) + x * (covariance[start + t] as number);
  }
  return answers;
}

/** sums += covariance of a row with the predictors that the shared effects answer so, of each head. */
function addAnswers({ shared, gain }: Joint, { places, values }: Seen, answers: Float64Array, sums: number[]): void {
  let [start, hazard, price, latency, ready] = [0, 0, 0, 0, 0];
  for (let a = 0; a < places.length; a++) {
    const place = places[a] as number;
    const x = values[a] as number;
    if (place < shared) {
      addHeads(sums, x, answers, place * WIDTH);
      continue;
    }
    const row = (place - shared) * answers.length;
    for (let t = 0; t < answers.length; t += WIDTH) {
      start -= x * (gain[row + t] as number) * (answers[t] as number);
      hazard -= x * (gain[row + t + 1] as number) * (answers[t + 1] as number);
      price -= x * (gain[row + t + 2] as number) * (answers[t + 2] as number);
      latency -= x * (gain[row + t + 3] as number) * (answers[t + 3] as number);
      ready -= x * (gain[row + t + 4] as number) * (answers[t + 4] as number);
    }
  }
  addAll(sums, [start, hazard, price, latency, ready]);
}

/** sums += what two rows share of the columns from `known` on. */
function aheadTogether(
  x: Sparse,
  y: Sparse,
  known: number,
  sums: number[],
  variance: (head: HeadName, column: number) => number,
): void {
  for (let a = 0; a < x.indices.length; a++) {
    const column = x.indices[a] as number;
    if (column < known) continue;
    const b = y.indices.indexOf(column);
    if (b === -1) continue;
    const product = (x.values[a] as number) * (y.values[b] as number);
    HEADS.forEach((head, h) => {
      sums[h] = (sums[h] as number) + product * variance(head, column);
    });
  }
}
