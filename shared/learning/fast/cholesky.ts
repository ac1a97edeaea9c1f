/** Dense symmetric positive definite matrices, row-major. Golub and Van Loan, Matrix Computations, 4.2. */

/** Diagonal floor: what rounding leaves of a pivot that should be positive. */
const MIN_PIVOT = 1e-12;

/** The inverse of `matrix` (n x n, lower triangle read), as a new full matrix. */
export function inverseOf(matrix: Float64Array, n: number): Float64Array {
  const lower = choleskyOf(matrix, n);
  const inverted = invertLower(lower, n);
  // (L L')^-1 = L^-T L^-1: row i of the product needs column i of L^-1 from row i on; its transpose makes both rows.
  const transposed = new Float64Array(n * n);
  for (let i = 0; i < n; i++) for (let j = 0; j <= i; j++) transposed[j * n + i] = inverted[i * n + j] as number;
  const inverse = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let j = 0; j <= i; j++) {
      let sum = 0;
      for (let k = i; k < n; k++) sum += (transposed[i * n + k] as number) * (transposed[j * n + k] as number);
      inverse[i * n + j] = sum;
      inverse[j * n + i] = sum;
    }
  return inverse;
}

function choleskyOf(matrix: Float64Array, n: number): Float64Array {
  const lower = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    const row = i * n;
    for (let j = 0; j <= i; j++) {
      const other = j * n;
      let sum = matrix[row + j] as number;
      for (let k = 0; k < j; k++) sum -= (lower[row + k] as number) * (lower[other + k] as number);
      lower[row + j] = i === j ? Math.sqrt(Math.max(sum, MIN_PIVOT)) : sum / (lower[other + j] as number);
    }
  }
  return lower;
}

function invertLower(lower: Float64Array, n: number): Float64Array {
  const inverted = new Float64Array(n * n);
  for (let j = 0; j < n; j++) {
    inverted[j * n + j] = 1 / (lower[j * n + j] as number);
    for (let i = j + 1; i < n; i++) {
      let sum = 0;
      for (let k = j; k < i; k++) sum -= (lower[i * n + k] as number) * (inverted[k * n + j] as number);
      inverted[i * n + j] = sum / (lower[i * n + i] as number);
    }
  }
  return inverted;
}
