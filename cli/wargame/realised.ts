import type { BookedStatus } from '#sim/market/instance.ts';
import { quantileOf } from './measures/numbers.ts';

/** What became of the decisions of one policy in one world. */
export interface Realised {
  readonly decisions: number;
  /** Requests for which nothing was eligible in this policy's world. */
  readonly no_offer: number;
  /** Ended by the tenant's own fault; counted nowhere else. */
  readonly censored: number;
  readonly completed: number;
  readonly cost_usd: number;
  /** Work that was kept: whole runs, and what interrupted ones had saved. */
  readonly useful_gpu_hours: number;
  /** Measured, of the runs that became ready; null: none did. */
  readonly p95_latency_ms: number | null;
}

export interface Tally {
  noOffer(): void;
  offerGone(): void;
  /** @param status at the end of the run */
  ended(status: BookedStatus): void;
  total(): Realised;
}

export function createTally(): Tally {
  const sums = { decisions: 0, no_offer: 0, censored: 0, completed: 0, cost_usd: 0, useful_gpu_hours: 0 };
  const latencies: number[] = [];
  return {
    noOffer() {
      sums.no_offer += 1;
    },
    offerGone() {
      sums.decisions += 1;
    },
    ended(status) {
      sums.decisions += 1;
      if (status.blame === 'tenant') {
        sums.censored += 1;
        return;
      }
      if (status.state === 'completed') sums.completed += 1;
      sums.cost_usd += status.cost_usd;
      sums.useful_gpu_hours += status.useful_gpu_hours;
      if (status.latency_ms !== null) latencies.push(status.latency_ms);
    },
    total: () => ({ ...sums, p95_latency_ms: quantileOf(latencies, 0.95) }),
  };
}
