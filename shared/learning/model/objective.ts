import { HEADS } from '../heads.ts';

/** Columns of the target matrix: started, event, exposure, price, latency, ready. NaN masks; a hazard is masked by its event. */
export const TARGET_WIDTH = 6;
const WIDTH = HEADS.length;

/** Interruptions per hour never exceed e^6 = one in 9 s; keeps exp() finite on the way there. */
export const HAZARD_LOG_LIMIT = 6;
/** In standard deviations: one absurd bill must not bend the head for everyone. */
const REGRESSION_TARGET_LIMIT = 5;

/**
 * Mean loss of a batch and its gradient by the raw outputs, written to `gradient`. Closed forms, so the network's library
 * differentiates nothing but dense layers:
 *   start    cross-entropy of the logit
 *   hazard   exponential survival with censoring: exp(z) * exposure - event * z (Poisson likelihood of the event count)
 *   price, latency, ready   half the squared error of the standardised target
 * raw and gradient are [rows, 5], targets [rows, 6], row-major.
 */
export function objective(raw: Float32Array, targets: Float32Array, gradient: Float32Array): number {
  const rows = raw.length / WIDTH;
  let loss = 0;
  for (let row = 0; row < rows; row++) {
    const r = row * WIDTH;
    const t = row * TARGET_WIDTH;
    const start = raw[r] ?? 0;
    const started = targets[t] ?? 0;
    loss += softplus(start) - started * start;
    gradient[r] = (1 / (1 + Math.exp(-start)) - started) / rows;

    const event = targets[t + 1] ?? Number.NaN;
    if (Number.isNaN(event)) gradient[r + 1] = 0;
    else {
      const hazard = raw[r + 1] ?? 0;
      const expected = Math.exp(Math.min(hazard, HAZARD_LOG_LIMIT)) * (targets[t + 2] ?? 0);
      loss += expected - event * hazard;
      gradient[r + 1] = (expected - event) / rows;
    }
    for (let head = 2; head < WIDTH; head++) {
      const target = targets[t + head + 1] ?? Number.NaN;
      if (Number.isNaN(target)) gradient[r + head] = 0;
      else {
        const limited = Math.max(-REGRESSION_TARGET_LIMIT, Math.min(REGRESSION_TARGET_LIMIT, target));
        const error = (raw[r + head] ?? 0) - limited;
        loss += (error * error) / 2;
        gradient[r + head] = error / rows;
      }
    }
  }
  return loss / rows;
}

/** log(1 + e^x) without overflow. */
function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}
