/** The regressions under the fast learner, against slow references written from the formulas. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inverseOf } from '#shared/learning/fast/cholesky.ts';
import type { Row } from '#shared/learning/fast/effects.ts';
import { createEffectsView } from '#shared/learning/fast/effects-view.ts';
import {
  addRow,
  emptyEquations,
  merged,
  type NormalEquations,
  rowsIn,
  squaresIn,
} from '#shared/learning/fast/normal-equations.ts';
import { localVariances, meanOf, type Prior, solve } from '#shared/learning/fast/pooled-regression.ts';
import { eachHead, HEADS, type PerHead } from '#shared/learning/heads.ts';
import { testCases } from '#test/support/cases.ts';

const SHARED = 3;
const LOCAL = 2;
const PROVIDERS = ['a', 'b'];
const finite = fc.double({ min: -2, max: 2, noNaN: true });
const dense = (values: readonly number[]): Row['shared'] => ({ indices: values.map((_, i) => i), values });

const weighted = fc.record({
  provider: fc.constantFrom(...PROVIDERS),
  shared: fc.array(finite, { minLength: SHARED, maxLength: SHARED }),
  local: fc.array(finite, { minLength: LOCAL, maxLength: LOCAL }),
  weight: fc.double({ min: 0.01, max: 5, noNaN: true }),
  z: finite,
});
type Weighted = typeof weighted extends fc.Arbitrary<infer T> ? T : never;
const rowOf = ({ provider, shared, local }: Weighted): Row => ({
  provider,
  shared: dense(shared),
  local: dense(local),
});

function equationsOf(rows: readonly Weighted[]): NormalEquations {
  const equations = emptyEquations();
  for (const row of rows) addRow(equations, rowOf(row), row.weight, row.z);
  return equations;
}

const prior: Prior = {
  sharedVariance: (column) => [4, 0.5, 1][column] ?? 1,
  localVariance: (_provider, column) => [0.3, 0.8][column] ?? 1,
};
const sizes = { shared: SHARED, local: () => LOCAL };

/** All effects in one vector: shared, then a's, then b's. */
const COLUMNS = SHARED + LOCAL * PROVIDERS.length;
function wide({ provider, shared, local }: Weighted): number[] {
  const row = new Array<number>(COLUMNS).fill(0);
  shared.forEach((value, i) => {
    row[i] = value;
  });
  local.forEach((value, i) => {
    row[SHARED + LOCAL * PROVIDERS.indexOf(provider) + i] = value;
  });
  return row;
}
const priorVariance = (column: number): number =>
  column < SHARED ? prior.sharedVariance(column) : prior.localVariance('', (column - SHARED) % LOCAL);

/** Gauss-Jordan on the whole system. */
function reference(rows: readonly Weighted[], noise: number): { mean: number[]; covariance: number[][] } {
  const matrix = Array.from({ length: COLUMNS }, (_, i) =>
    Array.from({ length: 2 * COLUMNS }, (_, j) => (j - COLUMNS === i ? 1 : i === j ? 1 / priorVariance(i) : 0)),
  );
  const right = new Array<number>(COLUMNS).fill(0);
  for (const row of rows) {
    const x = wide(row);
    for (let i = 0; i < COLUMNS; i++) {
      right[i] = (right[i] ?? 0) + (row.weight * (x[i] ?? 0) * row.z) / noise;
      for (let j = 0; j < COLUMNS; j++) {
        const line = matrix[i] ?? [];
        line[j] = (line[j] ?? 0) + (row.weight * (x[i] ?? 0) * (x[j] ?? 0)) / noise;
      }
    }
  }
  for (let pivot = 0; pivot < COLUMNS; pivot++) {
    const line = matrix[pivot] ?? [];
    const scale = line[pivot] ?? 1;
    for (let j = 0; j < line.length; j++) line[j] = (line[j] ?? 0) / scale;
    matrix.forEach((other, i) => {
      if (i === pivot) return;
      const factor = other[pivot] ?? 0;
      for (let j = 0; j < other.length; j++) other[j] = (other[j] ?? 0) - factor * (line[j] ?? 0);
    });
  }
  const covariance = matrix.map((line) => line.slice(COLUMNS));
  return { covariance, mean: covariance.map((line) => line.reduce((sum, v, j) => sum + v * (right[j] ?? 0), 0)) };
}

const close = (got: number | undefined, expected: number): void =>
  expect(Math.abs((got ?? Number.NaN) - expected)).toBeLessThan(1e-7 * (1 + Math.abs(expected)));

describe('normal equations', () => {
  const evidence = fc.array(weighted, { maxLength: 20 }).map(equationsOf);
  /** By columns, however much room the blocks were given. */
  const flat = (equations: NormalEquations): number[] => [
    squaresIn(equations),
    rowsIn(equations),
    ...PROVIDERS.flatMap((provider) => {
      const of = equations.get(provider);
      const read = (block: 'll' | 'sl' | 'ss', height: number, width: number): number[] =>
        Array.from({ length: height * width }, (_, i) => {
          const [row, column] = [Math.floor(i / width), i % width];
          const [tall, broad] =
            block === 'll' ? [of?.local, of?.local] : [of?.shared, block === 'ss' ? of?.shared : of?.local];
          return row < (tall ?? 0) && column < (broad ?? 0) ? (of?.[block][row * (broad ?? 0) + column] ?? 0) : 0;
        });
      return [
        ...read('ll', LOCAL, LOCAL),
        ...read('sl', SHARED, LOCAL),
        ...read('ss', SHARED, SHARED),
        ...Array.from({ length: LOCAL }, (_, i) => of?.zl[i] ?? 0),
        ...Array.from({ length: SHARED }, (_, i) => of?.zs[i] ?? 0),
      ];
    }),
  ];
  it('merge whatever the order and the grouping, to 1e-9', () => {
    fc.assert(
      fc.property(evidence, evidence, evidence, (a, b, c) => {
        const one = flat(merged(merged(a, b), c));
        for (const other of [flat(merged(a, merged(b, c))), flat(merged(merged(c, b), a))])
          other.forEach((value, i) => {
            expect(Math.abs(value - (one[i] ?? Number.NaN))).toBeLessThan(1e-9);
          });
      }),
      { numRuns: testCases / 5 },
    );
  });
});

describe('the pooled regression', () => {
  it('equals the solution of the whole system: means, variances of rows and of effects, covariances of two rows', () => {
    fc.assert(
      fc.property(
        fc.array(weighted, { minLength: 1, maxLength: 25 }),
        weighted,
        weighted,
        fc.double({ min: 0.05, max: 3, noNaN: true }),
        (rows, asked, other, noise) => {
          // Each head is as sure of its numbers as its noise lets it be.
          const noises = eachHead((head) => noise * (1 + HEADS.indexOf(head)));
          const posteriors = eachHead((head) => solve(equationsOf(rows), noises[head], prior, sizes));
          const view = createEffectsView(eachHead((head) => ({ posterior: posteriors[head], prior, noise: 1 })));
          const moments = view.moments(rowOf(asked));
          const [withItself, withOther] = view.covariances(rowOf(asked), [rowOf(asked), rowOf(other)]);
          for (const head of HEADS) {
            const { mean, covariance } = reference(rows, noises[head]);
            const x = wide(asked);
            const expected = x.reduce((sum, value, i) => sum + value * (mean[i] ?? 0), 0);
            const form = (y: readonly number[]): number =>
              x.reduce((sum, value, i) => sum + value * y.reduce((s, v, k) => s + v * (covariance[i]?.[k] ?? 0), 0), 0);
            close(meanOf(posteriors[head], rowOf(asked)), expected);
            close(moments.mean[head], expected);
            close(moments.variance[head], form(x));
            close(withItself?.[head], form(x));
            // A provider without rows has no block of its own in the posterior, and in the reference its prior.
            close(withOther?.[head], form(wide(other)));
          }
          const posterior = posteriors.start;
          const { covariance } = reference(rows, noise);
          for (const [provider, of] of posterior.providers)
            localVariances(posterior, of).forEach((variance, i) => {
              const column = SHARED + LOCAL * PROVIDERS.indexOf(provider) + i;
              close(variance, covariance[column]?.[column] ?? Number.NaN);
            });
        },
      ),
      { numRuns: testCases / 5 },
    );
  });

  it('of nothing is the prior, for a provider never seen too', () => {
    const posterior = solve(emptyEquations(), 1, prior, sizes);
    const row: Row = { provider: 'new', shared: dense([1, 0, 0]), local: dense([1, 1]) };
    expect(meanOf(posterior, row)).toBe(0);
    const view = createEffectsView(eachHead(() => ({ posterior, prior, noise: 1 })));
    const covariance = (other: Row): PerHead<number> => view.covariances(row, [other])[0] as PerHead<number>;
    for (const head of HEADS) {
      expect(view.moments(row).mean[head]).toBe(0);
      expect(view.moments(row).variance[head]).toBeCloseTo(4 + 0.3 + 0.8, 12);
      // Two rows have in common what they share: all of it, the shared effects alone, and of those only the same ones.
      expect(covariance(row)[head]).toBeCloseTo(4 + 0.3 + 0.8, 12);
      expect(covariance({ ...row, provider: 'other' })[head]).toBeCloseTo(4, 12);
      expect(covariance({ ...row, local: dense([0, 2]) })[head]).toBeCloseTo(4 + 1.6, 12);
    }
  });

  it('of a head that has seen less than the others is the prior where it has seen nothing', () => {
    const row = { provider: 'a', shared: [1, 0.5, -1], local: [1, 2], weight: 3, z: 1 };
    const seen = solve(equationsOf([row]), 1, prior, sizes);
    const unseen = solve(emptyEquations(), 1, prior, { ...sizes, shared: SHARED - 1 });
    const alone = { posterior: seen, prior, noise: 1 };
    const beside = createEffectsView({
      ...eachHead(() => alone),
      price: { posterior: unseen, prior, noise: 1 },
    }).moments(rowOf(row));
    const { mean, variance } = createEffectsView(eachHead(() => alone)).moments(rowOf(row));
    expect(beside.mean).toEqual({ ...mean, price: 0 });
    expect(beside.variance).toEqual({ ...variance, price: expect.closeTo(4 + 0.5 / 4 + 1 + 0.3 + 4 * 0.8, 12) });
    expect(variance.start).toBeLessThan(1);
  });
});

it('the inverse of a matrix times the matrix is one', () => {
  const matrix = Float64Array.from([4, 1, 0.5, 1, 3, 0.2, 0.5, 0.2, 2]);
  const inverse = inverseOf(matrix, 3);
  for (let i = 0; i < 3; i++)
    for (let j = 0; j < 3; j++) {
      let sum = 0;
      for (let k = 0; k < 3; k++) sum += (matrix[i * 3 + k] ?? 0) * (inverse[k * 3 + j] ?? 0);
      expect(sum).toBeCloseTo(i === j ? 1 : 0, 12);
    }
});
