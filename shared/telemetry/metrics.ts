/**
 * Counters, gauges and histograms in our own words over a prom-client registry.
 * Names are `aurora_<thing>_<unit>`. `with(...)` binds label values once, at load: the hot path then only adds numbers.
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';

export interface CounterChild {
  add(amount?: number): void;
}
export interface GaugeChild {
  set(value: number): void;
  /** Read at every scrape instead of set at every change: free on the hot path. */
  track(read: () => number): void;
}
export interface HistogramChild {
  observe(value: number): void;
}
/** A metric with label names `L`; every label has a value, and only a bounded set of values. */
export interface Labelled<L extends string, Child> {
  with(labels: Readonly<Record<L, string>>): Child;
}
export interface MetricSpec<L extends string> {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly L[];
}

export interface Metrics {
  /** Asking twice for one name answers the same metric, so that every function of a process may declare it. */
  counter<L extends string>(spec: MetricSpec<L>): Labelled<L, CounterChild>;
  gauge<L extends string>(spec: MetricSpec<L>): Labelled<L, GaugeChild>;
  /** `buckets`: upper bounds, ascending, in the unit of the name. */
  histogram<L extends string>(
    spec: MetricSpec<L> & { readonly buckets: readonly number[] },
  ): Labelled<L, HistogramChild>;
  /** Monotonic milliseconds with a fraction, for durations only: a wall clock in whole milliseconds cannot time a 0.1 ms scoring. */
  stopwatchMs(): number;
  /** Prometheus text, version 0.0.4. */
  exposition(): Promise<string>;
  readonly contentType: string;
}

const NAME = /^aurora(_[a-z0-9]+){2,}$/;

export interface MetricsOptions {
  /** CPU, memory, event-loop delay of the process under prom-client's names. */
  readonly process?: boolean;
  readonly stopwatchMs?: () => number;
}

export function createMetrics({
  process = false,
  stopwatchMs = () => performance.now(),
}: MetricsOptions = {}): Metrics {
  const registry = new Registry();
  if (process) collectDefaultMetrics({ register: registry });
  const known = new Map<string, { kind: string; metric: unknown }>();

  function once<T>(kind: string, name: string, create: () => T): T {
    if (!NAME.test(name)) throw new Error(`metric name ${name}: expected aurora_<thing>_<unit>`);
    const found = known.get(name);
    if (found !== undefined) {
      if (found.kind !== kind) throw new Error(`metric ${name} is a ${found.kind}, asked for a ${kind}`);
      return found.metric as T;
    }
    const metric = create();
    known.set(name, { kind, metric });
    return metric;
  }

  return {
    counter: ({ name, help, labels }) =>
      once('counter', name, () => {
        const counter = new Counter({ name, help, labelNames: [...labels], registers: [registry] });
        return {
          with(values) {
            const child = counter.labels(values);
            return { add: (amount = 1) => child.inc(amount) };
          },
        };
      }),
    gauge: ({ name, help, labels }) =>
      once('gauge', name, () => {
        const tracked = new Map<string, () => void>();
        const collect = () => {
          for (const refresh of tracked.values()) refresh();
        };
        const gauge = new Gauge({ name, help, labelNames: [...labels], registers: [registry], collect });
        return {
          with(values) {
            const child = gauge.labels(values);
            return {
              set: (value) => child.set(value),
              track: (read) => void tracked.set(JSON.stringify(values), () => child.set(read())),
            };
          },
        };
      }),
    histogram: ({ name, help, labels, buckets }) =>
      once('histogram', name, () => {
        const registers = [registry];
        const histogram = new Histogram({ name, help, labelNames: [...labels], buckets: [...buckets], registers });
        return {
          with(values) {
            const child = histogram.labels(values);
            return { observe: (value) => child.observe(value) };
          },
        };
      }),
    stopwatchMs,
    exposition: () => registry.metrics(),
    contentType: registry.contentType,
  };
}
