/** Exponentially many weights are covered by few thresholds; the paper uses 21. */
const THRESHOLDS = 21;

/**
 * The weight above which the model is trusted instead of the correction: the one of a grid over the weights seen for which
 * the estimated variance plus the square of a bound of the bias is least (Wang, Agarwal and Dudik 2017, section 3.1). The
 * bias bound is the share of the target policy's actions left to the model, times the largest error that the model was
 * seen to make.
 * @param correction w (r - q) of each row
 */
export function switchThreshold(weights: Float64Array, direct: Float64Array, correction: Float64Array): number {
  const n = weights.length;
  const positive = weights.filter((w) => w > 0).sort();
  if (positive.length === 0) return 0;
  const least = positive[0] as number;
  const most = positive.at(-1) as number;
  let worstError = 0;
  for (let i = 0; i < n; i++) {
    const w = weights[i] as number;
    if (w > 0) worstError = Math.max(worstError, Math.abs((correction[i] as number) / w));
  }
  let best = { risk: Number.POSITIVE_INFINITY, threshold: most };
  // From the largest down: of equal risks the one that trusts the model least wins.
  for (let step = THRESHOLDS - 1; step >= 0; step--) {
    const threshold = step === THRESHOLDS - 1 ? most : least * (most / least) ** (step / (THRESHOLDS - 1));
    let sum = 0;
    let squares = 0;
    let left = 0;
    for (let i = 0; i < n; i++) {
      const w = weights[i] as number;
      const value = (direct[i] as number) + (w <= threshold ? (correction[i] as number) : 0);
      sum += value;
      squares += value * value;
      if (w > threshold) left += w;
    }
    const variance = Math.max(0, squares / n - (sum / n) ** 2) / n;
    const risk = variance + ((left / n) * worstError) ** 2;
    if (risk < best.risk) best = { risk, threshold };
  }
  return best.threshold;
}
