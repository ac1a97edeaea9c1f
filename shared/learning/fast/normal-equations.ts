/**
 * Sufficient statistics of a weighted linear regression whose columns fall into a shared part and one part per provider:
 * X'WX in blocks and X'Wz. Merging is adding, whatever the order.
 */
import type { Row, Sparse } from './effects.ts';

/** Dense, row-major, over the first `shared` and `local` columns. Symmetric blocks are kept whole. */
export interface ProviderBlocks {
  readonly local: number;
  readonly shared: number;
  /** local x local */
  readonly ll: Float64Array;
  /** shared x local */
  readonly sl: Float64Array;
  /** shared x shared */
  readonly ss: Float64Array;
  readonly zl: Float64Array;
  readonly zs: Float64Array;
  /** Sum of weight * z^2, and the number of rows. */
  squares: number;
  rows: number;
}

/** By provider. */
export type NormalEquations = Map<string, ProviderBlocks>;

export const emptyEquations = (): NormalEquations => new Map();

export const rowsIn = (equations: NormalEquations): number => sumOf(equations, ({ rows }) => rows);
export const squaresIn = (equations: NormalEquations): number => sumOf(equations, ({ squares }) => squares);

const sumOf = (equations: NormalEquations, of: (blocks: ProviderBlocks) => number): number =>
  [...equations.values()].reduce((sum, blocks) => sum + of(blocks), 0);

/** Adds one row with weight `weight` and response `z`. */
export function addRow(equations: NormalEquations, row: Row, weight: number, z: number): void {
  const { shared, local } = row;
  const blocks = roomFor(equations, row.provider, 1 + largest(shared), 1 + largest(local), SPARE);
  addOuter(blocks.ll, blocks.local, local, local, weight);
  addOuter(blocks.sl, blocks.local, shared, local, weight);
  addOuter(blocks.ss, blocks.shared, shared, shared, weight);
  addScaled(blocks.zl, local, weight * z);
  addScaled(blocks.zs, shared, weight * z);
  blocks.squares += weight * z * z;
  blocks.rows += 1;
}

/** Adds a provider's blocks to another sum. @param share 0..1: how much they count */
export function addBlocks(to: NormalEquations, provider: string, from: ProviderBlocks, share = 1): void {
  const blocks = roomFor(to, provider, from.shared, from.local);
  addBlock(blocks.ll, blocks.local, from.ll, from.local, from.local, share);
  addBlock(blocks.sl, blocks.local, from.sl, from.local, from.shared, share);
  addBlock(blocks.ss, blocks.shared, from.ss, from.shared, from.shared, share);
  addBlock(blocks.zl, blocks.local, from.zl, from.local, 1, share);
  addBlock(blocks.zs, blocks.shared, from.zs, from.shared, 1, share);
  blocks.squares += share * from.squares;
  blocks.rows += share * from.rows;
}

/** The sum of both, as a new value. */
export function merged(a: NormalEquations, b: NormalEquations): NormalEquations {
  const sum = copyOf(a);
  for (const [provider, from] of b) addBlocks(sum, provider, from);
  return sum;
}

export function copyOf(equations: NormalEquations): NormalEquations {
  const copy = emptyEquations();
  for (const [provider, of] of equations)
    copy.set(provider, {
      ...of,
      ll: of.ll.slice(),
      sl: of.sl.slice(),
      ss: of.ss.slice(),
      zl: of.zl.slice(),
      zs: of.zs.slice(),
    });
  return copy;
}

const largest = ({ indices }: Sparse): number => indices.reduce((most, index) => Math.max(most, index), -1);

/** Words come one by one: room for a quarter more of them. */
const SPARE = 1.25;

/** The provider's blocks, grown when a column is new. */
function roomFor(
  equations: NormalEquations,
  provider: string,
  shared: number,
  local: number,
  spare = 1,
): ProviderBlocks {
  const known = equations.get(provider);
  if (known !== undefined && known.shared >= shared && known.local >= local) return known;
  const size = {
    shared: grown(known?.shared ?? 0, shared, spare),
    local: grown(known?.local ?? 0, local, spare),
  };
  const made: ProviderBlocks = {
    ...size,
    ll: new Float64Array(size.local ** 2),
    sl: new Float64Array(size.shared * size.local),
    ss: new Float64Array(size.shared ** 2),
    zl: new Float64Array(size.local),
    zs: new Float64Array(size.shared),
    squares: known?.squares ?? 0,
    rows: known?.rows ?? 0,
  };
  if (known !== undefined) {
    addBlock(made.ll, size.local, known.ll, known.local, known.local);
    addBlock(made.sl, size.local, known.sl, known.local, known.shared);
    addBlock(made.ss, size.shared, known.ss, known.shared, known.shared);
    made.zl.set(known.zl);
    made.zs.set(known.zs);
  }
  equations.set(provider, made);
  return made;
}

const grown = (had: number, needed: number, spare: number): number => (needed <= had ? had : Math.ceil(needed * spare));

function addOuter(matrix: Float64Array, width: number, rows: Sparse, columns: Sparse, weight: number): void {
  for (let a = 0; a < rows.indices.length; a++) {
    const base = (rows.indices[a] as number) * width;
    const scaled = weight * (rows.values[a] as number);
    for (let b = 0; b < columns.indices.length; b++) {
      const i = base + (columns.indices[b] as number);
      matrix[i] = (matrix[i] as number) + scaled * (columns.values[b] as number);
    }
  }
}

function addScaled(vector: Float64Array, { indices, values }: Sparse, scale: number): void {
  for (let a = 0; a < indices.length; a++) {
    const i = indices[a] as number;
    vector[i] = (vector[i] as number) + scale * (values[a] as number);
  }
}

function addBlock(
  to: Float64Array,
  toWidth: number,
  from: Float64Array,
  fromWidth: number,
  height: number,
  share = 1,
): void {
  for (let r = 0; r < height; r++)
    for (let c = 0; c < fromWidth; c++) {
      const i = r * toWidth + c;
      to[i] = (to[i] as number) + share * (from[r * fromWidth + c] as number);
    }
}
