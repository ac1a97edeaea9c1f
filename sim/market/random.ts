import { createHash } from 'node:crypto';

/** A source of uniform numbers in [0, 1) that is a pure function of its key. */
export type Uniforms = () => number;

/**
 * A stream keyed by what it is drawn for, so that a draw never depends on the order of calls: SHA-256 of the key seeds
 * sfc32 (Chris Doty-Humphrey, PractRand), 53 bits a number.
 */
export function uniforms(...key: readonly (string | number)[]): Uniforms {
  const digest = createHash('sha256').update(JSON.stringify(key)).digest();
  let a = digest.readInt32LE(0);
  let b = digest.readInt32LE(4);
  let c = digest.readInt32LE(8);
  let counter = digest.readInt32LE(12);
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (c << 21) | (c >>> 11);
    c = (c + sum) | 0;
    return sum >>> 0;
  };
  return () => ((next() >>> 5) * 2 ** 26 + (next() >>> 6)) / 2 ** 53;
}

/** A standard normal (Box and Muller). Takes two uniforms, always. */
export function normal(draw: Uniforms): number {
  const radius = Math.sqrt(-2 * Math.log(1 - draw()));
  return radius * Math.cos(2 * Math.PI * draw());
}

/** An exponential of mean 1. */
export const exponential = (draw: Uniforms): number => -Math.log(1 - draw());

/** A 32-bit salt of a key, for `cheapUniform`. */
export const saltOf = (...key: readonly (string | number)[]): number =>
  createHash('sha256').update(JSON.stringify(key)).digest().readInt32LE(0);

/** One uniform of (salt, n) without a digest: the finaliser of MurmurHash3. Called for every offer of every listing. */
export function cheapUniform(salt: number, n: number): number {
  let h = salt ^ Math.imul(n, 0x9e3779b1);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return ((h ^ (h >>> 16)) >>> 0) / 2 ** 32;
}

/** A key of `shares` (not necessarily summing to 1) in proportion to its share. */
export function pick<T>(shares: readonly (readonly [T, number])[], u: number): T {
  let left = u * shares.reduce((sum, [, share]) => sum + share, 0);
  for (const [value, share] of shares) {
    left -= share;
    if (left < 0) return value;
  }
  const last = shares.at(-1);
  if (last === undefined) throw new RangeError('pick: expected at least one share, got none');
  return last[0];
}
