import { HEALTH_FIGURE, meanPriceUsd, type ProvidersSnapshot } from '#shared/domain/provider-report.ts';
import type { Metrics } from '#shared/telemetry/metrics.ts';

export interface ProviderGauges {
  show(snapshot: ProvidersSnapshot): void;
}

/** Under the names that the cluster's boards know. What nobody says is NaN: a figure of before would be a lie. */
export function providerGauges(metrics: Metrics): ProviderGauges {
  const gauge = (name: string, help: string) => metrics.gauge({ name, help, labels: ['provider'] });
  const health = gauge(
    'aurora_provider_health',
    '1 it answers, 0.5 it does not and its last offers still count, 0 it is down',
  );
  const latency = gauge('aurora_provider_latency_ms', 'Mean advertised latency of its active offers');
  const cost = gauge(
    'aurora_provider_cost_usd',
    'Mean over its active offers of the median price of their GPU type, USD per GPU-hour',
  );
  const capacity = gauge('aurora_provider_capacity', 'GPU-hours that it says it has');
  return {
    show({ providers }) {
      for (const report of providers) {
        const { provider } = report;
        health.with({ provider }).set(HEALTH_FIGURE[report.health]);
        latency.with({ provider }).set(report.latency_ms ?? Number.NaN);
        cost.with({ provider }).set(meanPriceUsd(report) ?? Number.NaN);
        capacity.with({ provider }).set(report.capacity_gpu_hours ?? Number.NaN);
      }
    },
  };
}
