/**
 * Sums over the effects of one provider, for the five heads side by side: x'b, x'Cx, x'Cy. Every function adds to the same five
 * sums, which whoever asks takes and clears: one question after the other, so that none leaves garbage behind.
 */
import { HEADS, type HeadName, type PerHead } from '../heads.ts';
import { type Row, SPARSE_LIMIT, type Sparse } from './effects.ts';
import { type Joint, WIDTH } from './joint.ts';

/** A number for each head. */
const SUMS = new Float64Array(WIDTH);

/** What has been summed since the last time. */
export function takeSums(): PerHead<number> {
  const sums = {
    start: SUMS[0] as number,
    hazard: SUMS[1] as number,
    price: SUMS[2] as number,
    latency: SUMS[3] as number,
    ready: SUMS[4] as number,
  };
  SUMS.fill(0);
  return sums;
}

/** What of a row the posteriors know: `count` places among the effects of its provider, and values. */
export interface Seen {
  count: number;
  readonly places: Int32Array;
  readonly values: Float64Array;
  /** Whether that is the whole row. */
  all: boolean;
}

export const seenNothing = (): Seen => ({
  count: 0,
  places: new Int32Array(2 * SPARSE_LIMIT),
  values: new Float64Array(2 * SPARSE_LIMIT),
  all: true,
});
export function see({ shared, local }: Row, joint: Joint, into: Seen): Seen {
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
export function addMean({ mean }: Joint, { count, places, values }: Seen): void {
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
export function addSquare({ size, covariance }: Joint, { count, places, values }: Seen): void {
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
export function addProduct({ size, covariance }: Joint, x: Seen, y: Seen): void {
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
export function answer({ size, covariance }: Joint, { count, places, values }: Seen, answers: Float64Array): void {
  answers.fill(0);
  for (let a = 0; a < count; a++) {
    const x = values[a] as number;
    const start = (places[a] as number) * size * WIDTH;
    for (let t = 0; t < answers.length; t++)
      answers[t] = (answers[t] as number) + x * (covariance[start + t] as number);
  }
}

/** SUMS += covariance of a row with the predictors that the shared effects answer so, of each head. */
export function addAnswers({ shared, gain }: Joint, { count, places, values }: Seen, answers: Float64Array): void {
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
export function addAhead(
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
