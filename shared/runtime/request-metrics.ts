import type { CounterChild, Metrics } from '#shared/telemetry/metrics.ts';
import type { FunctionResponse } from './types.ts';

/** From 0.1 ms (a score) to 10 s (the deadline). */
const DURATION_BUCKETS_S = [
  0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10,
];

interface RouteMetrics {
  /** Counts the answer and hands it on. */
  done(sinceMs: number, response: FunctionResponse): FunctionResponse;
}

/** The counters of one function's doors, bound at load. */
export function createRequestMetrics(metrics: Metrics, functionName: string) {
  const requests = metrics.counter({
    name: 'aurora_function_requests_total',
    help: 'Requests answered, by function, route and status.',
    labels: ['function', 'route', 'status'],
  });
  const durations = metrics.histogram({
    name: 'aurora_function_duration_seconds',
    help: 'From the whole request read to the answer.',
    labels: ['function', 'route'],
    buckets: DURATION_BUCKETS_S,
  });
  const inFlight = metrics.gauge({
    name: 'aurora_function_in_flight_requests',
    help: 'Requests whose handler has not settled.',
    labels: ['function'],
  });
  return {
    start: () => metrics.stopwatchMs(),
    inFlight: (read: () => number) => inFlight.with({ function: functionName }).track(read),
    route(route: string): RouteMetrics {
      const duration = durations.with({ function: functionName, route });
      const byStatus = new Map<number, CounterChild>();
      return {
        done(sinceMs, response) {
          let counter = byStatus.get(response.status);
          if (counter === undefined) {
            counter = requests.with({ function: functionName, route, status: String(response.status) });
            byStatus.set(response.status, counter);
          }
          counter.add();
          duration.observe((metrics.stopwatchMs() - sinceMs) / 1000);
          return response;
        },
      };
    },
  };
}
