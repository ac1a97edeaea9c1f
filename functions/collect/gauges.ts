import type { ProviderReport, ProvidersSnapshot } from '#shared/domain/provider-report.ts';
import type { Metrics } from '#shared/telemetry/metrics.ts';

export interface ProviderGauges {
  show(snapshot: ProvidersSnapshot): void;
}

const HEALTH = { up: 1, failing: 0.5, down: 0 } as const;

/** Under the names that the cluster's boards know. What nobody says is NaN: a figure of before would be a lie. */
export function providerGauges(metrics: Metrics): ProviderGauges {
  const gauge = (name: string, help: string) => metrics.gauge({ name, help, labels: ['provider'] });
  const health = gauge(
    'aurora_provider_health',
    '1 gives offers, 0.5 gave none at the last look, 0 is not to be acted on',
  );
  const latency = gauge('aurora_provider_latency_ms', 'Mean advertised latency of its active offers');
  const cost = gauge(
    'aurora_provider_cost_usd',
    'Mean over its GPU types of the median price of active offers, USD per GPU-hour',
  );
  const capacity = gauge('aurora_provider_capacity', 'GPU-hours that it says it has');
  return {
    show({ providers }) {
      for (const report of providers) {
        const { provider } = report;
        health.with({ provider }).set(HEALTH[report.health]);
        latency.with({ provider }).set(report.latency_ms ?? Number.NaN);
        cost.with({ provider }).set(priceOf(report) ?? Number.NaN);
        capacity.with({ provider }).set(report.capacity_gpu_hours ?? Number.NaN);
      }
    },
  };
}

function priceOf({ usd_per_gpu_hour: prices }: ProviderReport): number | null {
  const medians = Object.values(prices).map(({ median }) => median);
  return medians.length === 0 ? null : medians.reduce((sum, one) => sum + one, 0) / medians.length;
}
