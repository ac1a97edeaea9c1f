/**
 * Sufficient statistics of a weighted linear regression whose columns fall into a shared part and one part per provider:
 * X'WX in blocks and X'Wz. Merging is adding, whatever the order.
 */
import type { Row, Sparse } from './effects.ts';

/** Dense, row-major, over the first `shared` and `local` columns. Symmetric blocks are kept whole. */
interface ProviderBlocks {
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
}

export interface NormalEquations {
  readonly blocks: Map<string, ProviderBlocks>;
  /** Sum of weight * z^2, and the number of rows. */
  squares: number;
  rows: number;
}

export const emptyEquations = (): NormalEquations => ({ blocks: new Map(), squares: 0, rows: 0 });

/** Adds one row with weight `weight` and response `z`. */
export function addRow(equations: NormalEquations, row: Row, weight: number, z: number): void {
  const { shared, local } = row;
  const blocks = roomFor(equations, row.provider, 1 + largest(shared), 1 + largest(local));
  addOuter(blocks.ll, blocks.local, local, local, weight);
  addOuter(blocks.sl, blocks.local, shared, local, weight);
  addOuter(blocks.ss, blocks.shared, shared, shared, weight);
  addScaled(blocks.zl, local, weight * z);
  addScaled(blocks.zs, shared, weight * z);
  equations.squares += weight * z * z;
  equations.rows += 1;
}

/** The sum of both, as a new value. */
export function merged(a: NormalEquations, b: NormalEquations): NormalEquations {
  const sum = copyOf(a);
  for (const [provider, from] of b.blocks) {
    const to = roomFor(sum, provider, from.shared, from.local);
    addBlock(to.ll, to.local, from.ll, from.local, from.local);
    addBlock(to.sl, to.local, from.sl, from.local, from.shared);
    addBlock(to.ss, to.shared, from.ss, from.shared, from.shared);
    from.zl.forEach((value, i) => {
      to.zl[i] = (to.zl[i] as number) + value;
    });
    from.zs.forEach((value, i) => {
      to.zs[i] = (to.zs[i] as number) + value;
    });
  }
  sum.squares += b.squares;
  sum.rows += b.rows;
  return sum;
}

export function copyOf({ blocks, squares, rows }: NormalEquations): NormalEquations {
  const copy = new Map<string, ProviderBlocks>();
  for (const [provider, of] of blocks)
    copy.set(provider, {
      ...of,
      ll: of.ll.slice(),
      sl: of.sl.slice(),
      ss: of.ss.slice(),
      zl: of.zl.slice(),
      zs: of.zs.slice(),
    });
  return { blocks: copy, squares, rows };
}

const largest = ({ indices }: Sparse): number => indices.reduce((most, index) => Math.max(most, index), -1);

/** The provider's blocks, grown by a quarter when a column is new: words come one by one. */
function roomFor(equations: NormalEquations, provider: string, shared: number, local: number): ProviderBlocks {
  const known = equations.blocks.get(provider);
  if (known !== undefined && known.shared >= shared && known.local >= local) return known;
  const size = {
    shared: grown(known?.shared ?? 0, shared),
    local: grown(known?.local ?? 0, local),
  };
  const made: ProviderBlocks = {
    ...size,
    ll: new Float64Array(size.local ** 2),
    sl: new Float64Array(size.shared * size.local),
    ss: new Float64Array(size.shared ** 2),
    zl: new Float64Array(size.local),
    zs: new Float64Array(size.shared),
  };
  if (known !== undefined) {
    addBlock(made.ll, size.local, known.ll, known.local, known.local);
    addBlock(made.sl, size.local, known.sl, known.local, known.shared);
    addBlock(made.ss, size.shared, known.ss, known.shared, known.shared);
    made.zl.set(known.zl);
    made.zs.set(known.zs);
  }
  equations.blocks.set(provider, made);
  return made;
}

const grown = (had: number, needed: number): number => (needed <= had ? had : Math.ceil(needed * 1.25));

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

function addBlock(to: Float64Array, toWidth: number, from: Float64Array, fromWidth: number, height: number): void {
  for (let r = 0; r < height; r++)
    for (let c = 0; c < fromWidth; c++) {
      const i = r * toWidth + c;
      to[i] = (to[i] as number) + (from[r * fromWidth + c] as number);
    }
}
