/**
 * The drifts of one provider: of its starts, outcome by outcome, and of its interruptions, as a Poisson process over all
 * of its runs together. What still runs counts by the hour: interruptions end runs early, so to wait for ends would see
 * them first and call every long-running market a failing one.
 */
import { createDrift, type Drift } from './drift.ts';

export interface ProviderDrifts {
  readonly start: Drift;
  readonly hazard: Drift;
  /** A run began; the record expects so many interruptions an hour of it. */
  runs(expectedRate: number, atMs: number): void;
  ends(expectedRate: number, interrupted: boolean, atMs: number): void;
}

/** From "always fails" to "somewhat better": on the logit, 9 of 10 starts become 1 of 300, 1 of 20, 1 of 3, 3 of 4, 24 of 25. */
const START_SHIFTS = [-8, -5, -3, -1.2, 1];
/** Hazard a third, three and ten times what the record says. */
const HAZARD_SHIFTS = [-1.1, 1.1, 2.3];
const HOUR_MS = 3_600_000;

export function createProviderDrifts(): ProviderDrifts {
  const hazard = createDrift({ family: 'poisson', shifts: HAZARD_SHIFTS });
  let running = 0;
  let rate = 0;
  let seenMs = 0;

  const advance = (interruptions: number, atMs: number): void => {
    const hours = (atMs - seenMs) / HOUR_MS;
    seenMs = Math.max(seenMs, atMs);
    if (running === 0 || rate <= 0 || hours < 0) return;
    hazard.observe(Math.log(rate), interruptions, hours, atMs);
  };

  return {
    start: createDrift({ family: 'bernoulli', shifts: START_SHIFTS }),
    hazard,
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
  };
}
