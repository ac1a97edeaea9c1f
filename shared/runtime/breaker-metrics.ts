import type { Metrics } from '#shared/telemetry/metrics.ts';
import type { Breaker, BreakerState } from './breaker.ts';

const VALUE: Readonly<Record<BreakerState['name'], number>> = { closed: 0, half_open: 1, open: 2 };

/** `aurora_breaker_state{dependency}`: read at every scrape. The dependency is the breaker's name. */
export function showBreaker(metrics: Metrics, breaker: Breaker): void {
  metrics
    .gauge({
      name: 'aurora_breaker_state',
      help: 'Whether a dependency is asked: 0 closed (yes), 1 half open (one call tries), 2 open (no)',
      labels: ['dependency'],
    })
    .with({ dependency: breaker.name })
    .track(() => VALUE[breaker.state().name]);
}
