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

export type HeadName = (typeof HEADS)[number];
export type PerHead<T> = Readonly<Record<HeadName, T>>;

export const eachHead = <T>(of: (head: HeadName) => T): PerHead<T> => ({
  start: of('start'),
  hazard: of('hazard'),
  price: of('price'),
  latency: of('latency'),
  ready: of('ready'),
});

/** value = z * std + mean, of the three regression heads. */
export interface TargetScale {
  readonly mean: number;
  readonly std: number;
}
export type TargetScales = Readonly<Record<'price' | 'latency' | 'ready', TargetScale>>;
