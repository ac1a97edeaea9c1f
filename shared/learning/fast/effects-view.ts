/**
 * The posteriors of the five heads as scoring sees them: mean and variance of the linear predictors of a row, and what two
 * rows have in common. All heads have the same rows, so they lie side by side in memory: a pair of effects is looked up once
 * for the five. The covariance of all effects that meet in one provider's rows is worked out once a provider, so that a row
 * costs the square of what is not zero in it, and a pair of rows of two providers the shared effects once for each of their own.
 */
import { eachHead, HEADS, type HeadName, type PerHead } from '../heads.ts';
import { type Row, SPARSE_LIMIT, type Sparse } from './effects.ts';
import { type HeadEffects, type Joint, jointOf, WIDTH } from './joint.ts';

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

/** Sums of one row, or of a pair: a number for each head. One call after the other, so one is enough; it leaves no garbage. */
const SUMS = new Float64Array(WIDTH);

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
    aheadTogether(x.shared, y.shared, joint.shared, (head, column) => heads[head].prior.sharedVariance(column));
    if (x.provider !== y.provider) return;
    aheadTogether(x.local, y.local, joint.size - joint.shared, (head, column) =>
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
      SUMS.fill(0);
      addSquare(joint, seen);
      if (!seen.all) ahead(row, row, joint);
      for (let h = 0; h < WIDTH; h++) SUMS[h] = Math.max(0, SUMS[h] as number);
      const variance = headsAt(SUMS, 0);
      SUMS.fill(0);
      addMean(joint, seen);
      return { mean: headsAt(SUMS, 0), variance };
    },
    covariances(row, others) {
      const joint = jointFor(row.provider);
      const seen = see(row, joint, HELD);
      answer(joint, seen, answers);
      return others.map((other) => {
        const theirs = jointFor(other.provider);
        const asked = see(other, theirs, ASKED);
        SUMS.fill(0);
        if (theirs === joint) addProduct(joint, seen, asked);
        else addAnswers(theirs, asked, answers);
        if (!seen.all && !asked.all) ahead(row, other, joint);
        return headsAt(SUMS, 0);
      });
    },
  };
}

/** What of a row the posteriors know: `count` places among the effects of its provider, and values. */
interface Seen {
  count: number;
  readonly places: Int32Array;
  readonly values: Float64Array;
  /** Whether that is the whole row. */
  all: boolean;
}

const seenNothing = (): Seen => ({
  count: 0,
  places: new Int32Array(2 * SPARSE_LIMIT),
  values: new Float64Array(2 * SPARSE_LIMIT),
  all: true,
});
/** The row that is asked about, and the one that others are held against: used up before the next are, like SUMS. */
const ASKED = seenNothing();
const HELD = seenNothing();

function see({ shared, local }: Row, joint: Joint, into: Seen): Seen {
  let count = 0;
  for (let a = 0; a < shared.indices.length; a++) {
    const column = shared.indices[a] as number;
    if (column >= joint.shared) continue;
    into.places[count] = column;
    into.values[count++] = shared.values[a] as number;
  }
  const own = joint.size - joint.shared;
  for (let a = 0; a < local.indices.length; a++) {
    const column = local.indices[a] as number;
    if (column >= own) continue;
    into.places[count] = joint.shared + column;
    into.values[count++] = local.values[a] as number;
  }
  into.count = count;
  into.all = count === shared.indices.length + local.indices.length;
  return into;
}

/** SUMS += the row's predictors. */
function addMean({ mean }: Joint, { count, places, values }: Seen): void {
  for (let a = 0; a < count; a++) addHeads(values[a] as number, mean, (places[a] as number) * WIDTH);
}

/** SUMS += x * from, of each head. */
function addHeads(x: number, from: Float64Array, start: number): void {
  for (let h = 0; h < WIDTH; h++) SUMS[h] = (SUMS[h] as number) + x * (from[start + h] as number);
}

function addAll(start: number, hazard: number, price: number, latency: number, ready: number): void {
  SUMS[0] = (SUMS[0] as number) + start;
  SUMS[1] = (SUMS[1] as number) + hazard;
  SUMS[2] = (SUMS[2] as number) + price;
  SUMS[3] = (SUMS[3] as number) + latency;
  SUMS[4] = (SUMS[4] as number) + ready;
}

/** SUMS += x'Cx of each head: twice one half, and the diagonal. The heads are written out, here are the innermost lines of scoring. */
function addSquare({ size, covariance }: Joint, { count, places, values }: Seen): void {
  let start = 0;
  let hazard = 0;
  let price = 0;
  let latency = 0;
  let ready = 0;
  for (let a = 0; a < count; a++) {
    const place = places[a] as number;
    const row = place * size;
    const value = values[a] as number;
    const twice = 2 * value;
    for (let b = 0; b < a; b++) {
      const weight = twice * (values[b] as number);
      const at = (row + (places[b] as number)) * WIDTH;
      start += weight * (covariance[at] as number);
      hazard += weight * (covariance[at + 1] as number);
      price += weight * (covariance[at + 2] as number);
      latency += weight * (covariance[at + 3] as number);
      ready += weight * (covariance[at + 4] as number);
    }
    addHeads(value * value, covariance, (row + place) * WIDTH);
  }
  addAll(start, hazard, price, latency, ready);
}

/** SUMS += x'Cy of each head. */
function addProduct({ size, covariance }: Joint, x: Seen, y: Seen): void {
  let start = 0;
  let hazard = 0;
  let price = 0;
  let latency = 0;
  let ready = 0;
  for (let a = 0; a < x.count; a++) {
    const row = (x.places[a] as number) * size;
    const value = x.values[a] as number;
    for (let b = 0; b < y.count; b++) {
      const weight = value * (y.values[b] as number);
      const at = (row + (y.places[b] as number)) * WIDTH;
      start += weight * (covariance[at] as number);
      hazard += weight * (covariance[at + 1] as number);
      price += weight * (covariance[at + 2] as number);
      latency += weight * (covariance[at + 3] as number);
      ready += weight * (covariance[at + 4] as number);
    }
  }
  addAll(start, hazard, price, latency, ready);
}

/** Covariance of the shared effects with a row's predictors: shared x WIDTH, into `answers`. */
function answer({ size, covariance }: Joint, { count, places, values }: Seen, answers: Float64Array): void {
  answers.fill(0);
  for (let a = 0; a < count; a++) {
    const x = values[a] as number;
    const start = (places[a] as number) * size * WIDTH;
    for (let t = 0; t < answers.length; t++)
      answers[t] = (answers[t] as number) + x * (covariance[start + t] as number);
  }
}

/** SUMS += covariance of a row with the predictors that the shared effects answer so, of each head. */
function addAnswers({ shared, gain }: Joint, { count, places, values }: Seen, answers: Float64Array): void {
  let start = 0;
  let hazard = 0;
  let price = 0;
  let latency = 0;
  let ready = 0;
  for (let a = 0; a < count; a++) {
    const place = places[a] as number;
    const x = values[a] as number;
    if (place < shared) {
      addHeads(x, answers, place * WIDTH);
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
  addAll(start, hazard, price, latency, ready);
}

/** SUMS += what two rows share of the columns from `known` on. */
function aheadTogether(
  x: Sparse,
  y: Sparse,
  known: number,
  variance: (head: HeadName, column: number) => number,
): void {
  for (let a = 0; a < x.indices.length; a++) {
    const column = x.indices[a] as number;
    if (column < known) continue;
    const b = y.indices.indexOf(column);
    if (b === -1) continue;
    const product = (x.values[a] as number) * (y.values[b] as number);
    HEADS.forEach((head, h) => {
      SUMS[h] = (SUMS[h] as number) + product * variance(head, column);
    });
  }
}
