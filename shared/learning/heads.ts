/**
 * The five heads: what a model predicts about one candidate, and how the raw outputs become the parts of the utility.
 * Raw output z, in this order:
 *   start    logit of P(becomes ready)
 *   hazard   log of interruptions per hour of exposure
 *   price    log(paid / advertised USD per GPU-hour), standardised
 *   latency  log(measured / advertised milliseconds), standardised
 *   ready    log(milliseconds until ready), standardised
 */
export const HEADS = ['start', 'hazard', 'price', 'latency', 'ready'] as const;

/** value = z * std + mean, of the three regression heads. */
export interface TargetScale {
  readonly mean: number;
  readonly std: number;
}
export type TargetScales = Readonly<Record<'price' | 'latency' | 'ready', TargetScale>>;
