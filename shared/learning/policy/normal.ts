/** The standard normal distribution: its function by a table, its inverse by a rational approximation. Pure. */

/** The distribution function from -8 to 8. */
const TABLE_END = 8;
const TABLE_PER_UNIT = 128;
const TABLE = Float64Array.from({ length: 2 * TABLE_END * TABLE_PER_UNIT + 2 }, (_, i) =>
  byErf(i / TABLE_PER_UNIT - TABLE_END),
);

/** P(Z < z), linear between the entries of the table: within 2e-6, in a tenth of the time of the formula. */
export function normalCdf(z: number): number {
  if (z <= -TABLE_END) return 0;
  if (z >= TABLE_END) return 1;
  const place = (z + TABLE_END) * TABLE_PER_UNIT;
  // Of a number that is not negative, its floor.
  const entry = place | 0;
  const low = TABLE[entry] as number;
  return low + (place - entry) * ((TABLE[entry + 1] as number) - low);
}

/** Abramowitz and Stegun 7.1.26 on erfc, absolute error below 1.5e-7. */
function byErf(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const tail =
    (t *
      (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))) *
      Math.exp(-x * x)) /
    2;
  return z > 0 ? 1 - tail : tail;
}

/** The z with P(Z < z) = p, for 0 < p < 1: Wichura 1988, algorithm AS 241 (PPND7), relative error about 1e-7. */
export function normalQuantile(p: number): number {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    return (
      (q * (((59.10937472 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179)) /
      (((67.1875636 * r + 78.757757664) * r + 17.895169469) * r + 1)
    );
  }
  const r = Math.sqrt(-Math.log(q < 0 ? p : 1 - p));
  const z =
    r <= 5
      ? ((((0.17023821103 * (r - 1.6) + 1.3067284816) * (r - 1.6) + 2.75681539) * (r - 1.6) + 1.4234372777) as number) /
        ((0.12021132975 * (r - 1.6) + 0.7370016425) * (r - 1.6) + 1)
      : ((((0.017337203997 * (r - 5) + 0.42868294337) * (r - 5) + 3.081226386) * (r - 5) + 6.657905115) as number) /
        ((0.012258202635 * (r - 5) + 0.24197894225) * (r - 5) + 1);
  return q < 0 ? -z : z;
}
