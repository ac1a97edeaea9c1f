/**
 * out-of-fold.bin: what was predicted of the rows of a training by networks that had not seen them. Little-endian: the number
 * of rows (uint32), then for each the first 64 bits of sha256 of its attempt's key and its baseline, five float32 in the order
 * of heads.ts. Ascending by the hash, so that a row is looked up where it lies. Among 100,000 rows (2.8 MB) two share a hash
 * once in four thousand million trainings; the first given then stands for both.
 */
import { createHash } from 'node:crypto';
import { RejectedError } from '#shared/errors.ts';
import type { Baseline } from './fast/estimate.ts';
import { HEADS } from './heads.ts';

export interface OutOfFold {
  /** Of the attempt: `attemptKey`. */
  readonly key: string;
  readonly baseline: Baseline;
}

const HEAD_BYTES = 4;
const HASH_BYTES = 8;
const ROW_BYTES = HASH_BYTES + HEADS.length * Float32Array.BYTES_PER_ELEMENT;

/** @throws RejectedError artefact_corrupt when a prediction is no finite float32: training diverged */
export function encodeOutOfFold(rows: readonly OutOfFold[]): Uint8Array {
  const ordered = rows
    .map(({ key, baseline }) => ({ hash: hashOf(key), baseline }))
    .sort((a, b) => Buffer.compare(a.hash, b.hash))
    .filter(({ hash }, i, sorted) => sorted[i - 1]?.hash.equals(hash) !== true);
  const bytes = new Uint8Array(hashAt(ordered.length));
  const file = Buffer.from(bytes.buffer);
  let at = file.writeUInt32LE(ordered.length, 0);
  for (const { hash, baseline } of ordered) {
    at += hash.copy(file, at);
    for (const head of HEADS) {
      if (!Number.isFinite(Math.fround(baseline[head])))
        throw new RejectedError('artefact_corrupt', `training ended in a ${head} prediction of ${baseline[head]}`);
      at = file.writeFloatLE(baseline[head], at);
    }
  }
  return bytes;
}

/**
 * Answers what was predicted of an attempt, by its key; null: it was not trained on. Keeps `bytes`, which must not change.
 * @throws RejectedError artefact_corrupt
 */
export function decodeOutOfFold(version: string, bytes: Uint8Array): (key: string) => Baseline | null {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const rows = rowsIn(version, file);
  return (key) => {
    const hash = hashOf(key);
    let [low, high] = [0, rows];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareHash(file, middle, hash) < 0) low = middle + 1;
      else high = middle;
    }
    return low < rows && compareHash(file, low, hash) === 0 ? readBaseline(file, low) : null;
  };
}

/** How many there are, all of them as `encodeOutOfFold` writes them. */
function rowsIn(version: string, file: Buffer): number {
  const corrupt = (problem: string): RejectedError =>
    new RejectedError('artefact_corrupt', `out-of-fold.bin of model ${version}: ${problem}`);
  if (file.length < HEAD_BYTES) throw corrupt(`expected at least ${HEAD_BYTES} bytes, got ${file.length}`);
  const rows = file.readUInt32LE(0);
  if (file.length !== hashAt(rows))
    throw corrupt(`expected ${hashAt(rows)} bytes for ${rows} rows, got ${file.length}`);
  for (let row = 0; row < rows; row++) {
    if (row > 0 && compareHash(file, row - 1, file.subarray(hashAt(row))) >= 0)
      throw corrupt(`expected ascending hashes, row ${row} is not above the one before`);
    if (!Object.values(readBaseline(file, row)).every(Number.isFinite))
      throw corrupt(`expected finite predictions, row ${row} has others`);
  }
  return rows;
}

const hashAt = (row: number): number => HEAD_BYTES + row * ROW_BYTES;

/** Of the row's hash with the one that begins `hash`. */
const compareHash = (file: Buffer, row: number, hash: Buffer): number =>
  file.compare(hash, 0, HASH_BYTES, hashAt(row), hashAt(row) + HASH_BYTES);

function readBaseline(file: Buffer, row: number): Baseline {
  const value = (head: number): number =>
    file.readFloatLE(hashAt(row) + HASH_BYTES + head * Float32Array.BYTES_PER_ELEMENT);
  return { start: value(0), hazard: value(1), price: value(2), latency: value(3), ready: value(4) };
}

const hashOf = (key: string): Buffer => createHash('sha256').update(key).digest().subarray(0, HASH_BYTES);
