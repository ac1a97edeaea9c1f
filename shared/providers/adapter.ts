import type { HostClock, WorldClock } from '#shared/ports/clock.ts';
import type { Metrics } from '#shared/telemetry/metrics.ts';
import type { Pace } from './pace.ts';

/** What every adapter is made of. */
export interface AdapterOptions {
  /** Origin of the provider's API, without a path. */
  readonly baseUrl: string;
  readonly key: string;
  /** This installation's mark: labels.ts. */
  readonly fleet: string;
  readonly hostClock: HostClock;
  readonly worldClock: WorldClock;
  /** Uniform in [0, 1): jitter. */
  readonly random: () => number;
  readonly metrics: Metrics;
  /** Turns of everyone who holds the key. */
  readonly pace: Pace;
  /** Host milliseconds of one attempt of a call; default 10 s. */
  readonly attemptMs?: number;
}
