import type { HostClock } from '#shared/ports/clock.ts';
import type { Log } from '#shared/ports/log.ts';
import type { Metrics } from '#shared/telemetry/metrics.ts';

/** What every function is run with. */
export interface RuntimeDeps {
  readonly log: Log;
  readonly hostClock: HostClock;
  readonly metrics: Metrics;
}
