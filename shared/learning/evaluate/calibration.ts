export interface Calibration {
  /** Expected calibration error over bins of equal mass: mean |predicted - observed|. */
  readonly error: number;
  /** What a perfectly calibrated model would show on as many rows: the noise of the bins' shares. */
  readonly noise: number;
  /** Of a logistic regression of what happened on the logit of what was predicted; 1 is right, below it is overconfident. Null: one class, or no spread. */
  readonly slope: number | null;
}

const BINS = 10;
const NEWTON_STEPS = 60;
const STEP_LIMIT = 0.5;

/** @param probability of the positive class, within (0, 1); @param happened 0 or 1 per row */
export function calibrationOf(probability: Float64Array, happened: Uint8Array): Calibration | null {
  const rows = probability.length;
  if (rows === 0) return null;
  const order = Uint32Array.from({ length: rows }, (_, i) => i);
  order.sort((a, b) => (probability[a] ?? 0) - (probability[b] ?? 0));
  const bins = Math.min(BINS, rows);
  let error = 0;
  let noise = 0;
  for (let bin = 0; bin < bins; bin++) {
    const members = order.subarray(Math.floor((bin * rows) / bins), Math.floor(((bin + 1) * rows) / bins));
    let predicted = 0;
    let observed = 0;
    let variance = 0;
    for (const row of members) {
      const p = probability[row] ?? 0;
      predicted += p;
      observed += happened[row] ?? 0;
      variance += p * (1 - p);
    }
    error += Math.abs(predicted - observed) / rows;
    // E|N(0, s)| = s * sqrt(2 / pi).
    noise += Math.sqrt((variance * 2) / Math.PI) / rows;
  }
  return { error, noise, slope: slopeOf(probability, happened) };
}

/** Newton's method on intercept and slope (Cox 1958), from the base rate; separable data never converge: null. */
function slopeOf(probability: Float64Array, happened: Uint8Array): number | null {
  const positives = happened.reduce((sum, value) => sum + value, 0);
  if (positives === 0 || positives === happened.length) return null;
  let intercept = Math.log(positives / (happened.length - positives));
  let slope = 0;
  for (let step = 0; step < NEWTON_STEPS; step++) {
    let [g0, g1, h00, h01, h11] = [0, 0, 0, 0, 0];
    for (const [row, p] of probability.entries()) {
      const x = Math.log(p / (1 - p));
      const q = 1 / (1 + Math.exp(-(intercept + slope * x)));
      const residual = (happened[row] ?? 0) - q;
      const weight = q * (1 - q);
      g0 += residual;
      g1 += residual * x;
      h00 += weight;
      h01 += weight * x;
      h11 += weight * x * x;
    }
    const determinant = h00 * h11 - h01 * h01;
    if (determinant < 1e-9 * h00 * h11 || !Number.isFinite(determinant) || determinant === 0) return null;
    const d0 = (h11 * g0 - h01 * g1) / determinant;
    const d1 = (h00 * g1 - h01 * g0) / determinant;
    // Newton overshoots where claims are extreme; a bounded step cannot.
    const damping = Math.min(1, STEP_LIMIT / Math.max(Math.abs(d0), Math.abs(d1)));
    intercept += damping * d0;
    slope += damping * d1;
    if (Math.abs(d0) + Math.abs(d1) < 1e-8) return slope;
  }
  return null;
}
