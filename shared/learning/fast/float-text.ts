/**
 * Numbers as text, exactly: base64 of how many there are (uint32), a bit for each that is not zero, and those as float64;
 * little-endian. Statistics are mostly zeros: words that never met.
 */
import { z } from 'zod';

const HEAD = 4;
const BYTES = 8;
/** A matrix of a provider with all the words it may have is 512 KiB. */
const MAX_NUMBERS = 1 << 20;

export function textOf(numbers: Float64Array): string {
  const kept = numbers.reduce((sum, value) => sum + (value === 0 ? 0 : 1), 0);
  const flags = Math.ceil(numbers.length / 8);
  const bytes = Buffer.alloc(HEAD + flags + BYTES * kept);
  bytes.writeUInt32LE(numbers.length, 0);
  let at = HEAD + flags;
  numbers.forEach((value, i) => {
    if (value === 0) return;
    const flag = HEAD + (i >> 3);
    bytes[flag] = (bytes[flag] as number) | (1 << (i & 7));
    at = bytes.writeDoubleLE(value, at);
  });
  return bytes.toString('base64');
}

/** A symmetric matrix, n x n: what is above the diagonal is left out. */
export const symmetricText = (matrix: Float64Array, n: number): string =>
  textOf(matrix.map((value, i) => (i % n > i / n ? 0 : value)));

/** What `textOf` wrote. Its length is checked, not its alphabet: that took most of the time of reading a megabyte. */
export const floatText = z.string().transform((text, context): Float64Array => {
  const bytes = Buffer.from(text, 'base64');
  const numbers = numbersIn(bytes);
  if (numbers?.every(Number.isFinite)) return numbers;
  context.addIssue({ code: 'custom', message: `expected finite float64 numbers, got ${bytes.byteLength} other bytes` });
  return z.NEVER;
});

/** What `symmetricText` wrote. */
export const symmetricFloatText = floatText.transform((matrix): Float64Array => {
  const n = Math.sqrt(matrix.length);
  if (Number.isInteger(n))
    for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) matrix[j * n + i] = matrix[i * n + j] as number;
  return matrix;
});

/** Null: too short, too long, or too many. */
function numbersIn(bytes: Buffer): Float64Array | null {
  const count = bytes.byteLength < HEAD ? Number.POSITIVE_INFINITY : bytes.readUInt32LE(0);
  if (count > MAX_NUMBERS) return null;
  const flags = bytes.subarray(HEAD, HEAD + Math.ceil(count / 8));
  const kept = flags.reduce((sum, byte) => sum + bitsOf(byte), 0);
  let at = HEAD + Math.ceil(count / 8);
  if (bytes.byteLength !== at + BYTES * kept) return null;
  const numbers = new Float64Array(count);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let i = 0; i < count; i++) {
    if (((flags[i >> 3] as number) & (1 << (i & 7))) === 0) continue;
    numbers[i] = view.getFloat64(at, true);
    at += BYTES;
  }
  return numbers;
}

const bitsOf = (byte: number): number => {
  let bits = 0;
  for (let rest = byte; rest > 0; rest >>= 1) bits += rest & 1;
  return bits;
};
