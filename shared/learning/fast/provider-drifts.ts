/**
 * The drifts of one provider: of its starts and of what it charges, answers and takes to get ready, outcome by outcome; and of
 * its interruptions, as a Poisson process over all of its runs together. What still runs counts by the hour: interruptions end
 * runs early, so to wait for ends would see them first and call every long-running market a failing one.
 */
import { createDrift, type Drift, type DriftState } from './drift.ts';
import { FAMILIES } from './family.ts';

export interface ProviderDrifts {
  readonly start: Drift;
  readonly hazard: Drift;
  readonly price: Drift;
  readonly latency: Drift;
  readonly ready: Drift;
  /** A run began; the record expects so many interruptions an hour of it. */
  runs(expectedRate: number, atMs: number): void;
  ends(expectedRate: number, interrupted: boolean, atMs: number): void;
  state(): ProviderDriftsState;
}

export interface ProviderDriftsState {
  readonly start: DriftState;
  readonly hazard: DriftState;
  readonly price: DriftState;
  readonly latency: DriftState;
  readonly ready: DriftState;
  readonly running: number;
  /** Interruptions an hour that the record expects of all that runs. */
  readonly rate: number;
  readonly seen_ms: number;
}

/** From "always fails" to "somewhat better": on the logit, 9 of 10 starts become 1 of 300, 1 of 20, 1 of 3, 3 of 4, 24 of 25. */
const START_SHIFTS = [-8, -5, -3, -1.2, 1];
/** Hazard a third, three and ten times what the record says. */
const HAZARD_SHIFTS = [-1.1, 1.1, 2.3];
/** Of the logarithms: a tenth off to twice the price; half to five times the latency; half to seven times the wait. */
const PRICE_SHIFTS = [-0.3, -0.12, 0.12, 0.3, 0.7];
const LATENCY_SHIFTS = [-0.7, -0.3, 0.3, 0.7, 1.6];
const READY_SHIFTS = [-0.7, 0.7, 1.3, 2];
/** Degrees of freedom: one answer in a hundred that took ten times as long says nothing of its provider. */
const TAIL = 4;
const HOUR_MS = 3_600_000;

/** Student's t with TAIL degrees of freedom, the scale in squares. */
const heavyTailed = (eta: number, y: number, variance: number): number =>
  (-(TAIL + 1) / 2) * Math.log1p((y - eta) ** 2 / (TAIL * variance));

export function createProviderDrifts(known: ProviderDriftsState | null = null): ProviderDrifts {
  const start = createDrift({ logLikelihood: FAMILIES.bernoulli.logLikelihood, shifts: START_SHIFTS }, known?.start);
  const hazard = createDrift({ logLikelihood: FAMILIES.poisson.logLikelihood, shifts: HAZARD_SHIFTS }, known?.hazard);
  const price = createDrift({ logLikelihood: heavyTailed, shifts: PRICE_SHIFTS }, known?.price);
  const latency = createDrift({ logLikelihood: heavyTailed, shifts: LATENCY_SHIFTS }, known?.latency);
  const ready = createDrift({ logLikelihood: heavyTailed, shifts: READY_SHIFTS }, known?.ready);
  let running = known?.running ?? 0;
  let rate = known?.rate ?? 0;
  let seenMs = known?.seen_ms ?? 0;

  const advance = (interruptions: number, atMs: number): void => {
    const hours = (atMs - seenMs) / HOUR_MS;
    seenMs = Math.max(seenMs, atMs);
    if (running === 0 || rate <= 0 || hours < 0) return;
    hazard.observe(Math.log(rate), interruptions, hours, atMs);
  };

  return {
    start,
    hazard,
    price,
    latency,
    ready,
    runs(expectedRate, atMs) {
      advance(0, atMs);
      running += 1;
      rate += expectedRate;
    },
    ends(expectedRate, interrupted, atMs) {
      advance(interrupted ? 1 : 0, atMs);
      running -= 1;
      // Sums of floats drift; nothing running is exactly nothing.
      rate = running === 0 ? 0 : rate - expectedRate;
    },
    state: () => ({
      start: start.state(),
      hazard: hazard.state(),
      price: price.state(),
      latency: latency.state(),
      ready: ready.state(),
      running,
      rate,
      seen_ms: seenMs,
    }),
  };
}
