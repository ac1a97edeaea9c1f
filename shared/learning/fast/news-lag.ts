/**
 * How late the ends of runs are heard of. While news is prompt, silence says that a run goes on; where it comes days later silence
 * says nothing, and to take it for survival would favour whoever is chosen most just now, again and again.
 */
export interface NewsLag {
  /** A run's end was heard of so many hours after it happened. */
  heard(hours: number): void;
  /** What is usual; 0 while that is too short to matter. */
  hours(): number;
  state(): number;
}

/** Ends that weigh half of the mean. */
const HALF_LIFE_ENDS = 50;
const KEPT = 0.5 ** (1 / HALF_LIFE_ENDS);
/** Ten minutes: polls and pushes take as long at times, and no run is much shorter. */
const PROMPT_HOURS = 1 / 6;

/** @param known mean so far */
export function createNewsLag(known: number): NewsLag {
  let mean = known;
  return {
    heard(hours) {
      mean = KEPT * mean + (1 - KEPT) * Math.max(0, hours);
    },
    hours: () => (mean < PROMPT_HOURS ? 0 : mean),
    state: () => mean,
  };
}
