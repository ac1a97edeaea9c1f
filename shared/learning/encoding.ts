import type { Features } from '#shared/domain/features.ts';
import { RejectedError } from '#shared/errors.ts';
import type { Manifest } from '#shared/registry/manifest.ts';

/**
 * Features -> network input: standardised numerics, then one one-hot block per categorical, index 0 of each block for words
 * that the vocabulary does not hold. Training and scoring share this file, so both see the same numbers.
 */
export type Encoding = Manifest['encoding'];

/** Standard deviations past which a numeric says only "far out": a single odd offer must not swamp the network. */
const STANDARDISED_LIMIT = 8;

interface PreparedBlock {
  /** Input index of the block's "unknown". */
  readonly start: number;
  readonly indexOf: ReadonlyMap<string, number>;
}

interface Prepared {
  readonly width: number;
  readonly blocks: readonly PreparedBlock[];
}

/** Lookup tables by encoding: they belong to an immutable manifest and are gone with it. */
const prepared = new WeakMap<Encoding, Prepared>();

function prepare(encoding: Encoding): Prepared {
  const known = prepared.get(encoding);
  if (known !== undefined) return known;
  let width = encoding.numeric.length;
  const blocks = encoding.categorical.map(({ vocabulary }) => {
    const block = { start: width, indexOf: new Map(vocabulary.map((word, i) => [word, width + 1 + i])) };
    width += 1 + vocabulary.length;
    return block;
  });
  const made = { width, blocks };
  prepared.set(encoding, made);
  return made;
}

/** Inputs of the network. */
export const inputWidth = (encoding: Encoding): number => prepare(encoding).width;

/** The features as a dense row `out[offset .. offset + inputWidth)`: what training feeds. @throws artefact_incompatible */
export function encode(encoding: Encoding, features: Features, out: Float32Array, offset: number): void {
  const { width } = prepare(encoding);
  const numerics = encoding.numeric.length;
  out.fill(0, offset, offset + width);
  const indices = new Int32Array(encoding.categorical.length);
  encodeSparse(encoding, features, out.subarray(offset, offset + numerics), indices);
  for (const index of indices) out[offset + index] = 1;
}

/**
 * The same without the zeros: standardised numerics, and for each categorical the input index that is one.
 * @throws RejectedError artefact_incompatible when the features have another shape.
 */
export function encodeSparse(
  encoding: Encoding,
  features: Features,
  numeric: Float32Array | Float64Array,
  indices: Int32Array,
): void {
  encodeNumeric(encoding, features, numeric);
  encodeWords(encoding, features.categorical, indices);
}

/** Standardised, through float32 as a training tensor holds them. @throws artefact_incompatible unless all features have the encoding's shape */
export function encodeNumeric(encoding: Encoding, features: Features, out: Float32Array | Float64Array): void {
  const { blocks } = prepare(encoding);
  if (features.numeric.length !== encoding.numeric.length || features.categorical.length !== blocks.length) {
    throw new RejectedError(
      'artefact_incompatible',
      `expected ${encoding.numeric.length} numeric and ${blocks.length} categorical features, got ${features.numeric.length} and ${features.categorical.length} of set ${features.set}`,
    );
  }
  for (let i = 0; i < encoding.numeric.length; i++) {
    const { mean, std } = encoding.numeric[i] as { mean: number; std: number };
    const value = ((features.numeric[i] as number) - mean) / std;
    out[i] = Math.fround(Math.max(-STANDARDISED_LIMIT, Math.min(STANDARDISED_LIMIT, value)));
  }
}

/** Of each word the input index that is one. */
export function encodeWords(encoding: Encoding, words: readonly string[], out: Int32Array): void {
  const { blocks } = prepare(encoding);
  for (let c = 0; c < blocks.length; c++) {
    const block = blocks[c] as PreparedBlock;
    out[c] = block.indexOf.get(words[c] as string) ?? block.start;
  }
}

/** @throws RejectedError artefact_incompatible unless both name the same set and definition. */
export function assertSameFeatureSet(
  expected: { readonly set: string; readonly hash: string },
  got: { readonly set: string; readonly hash: string },
): void {
  if (expected.set === got.set && expected.hash === got.hash) return;
  throw new RejectedError(
    'artefact_incompatible',
    `expected feature set ${expected.set} (${expected.hash}), got ${got.set} (${got.hash})`,
  );
}
