/** Gauges under the names that the cluster's boards know. What nobody says is NaN: nought, or a figure of before, would be a lie. */
import { HEALTH_FIGURE, meanPriceUsd, type ProviderReport } from '#shared/domain/provider-report.ts';
import type { Metrics } from '#shared/telemetry/metrics.ts';

const ofProviders = (metrics: Metrics) => (name: string, help: string) => {
  const gauge = metrics.gauge({ name, help, labels: ['provider'] });
  return (provider: string, value: number | null): void => gauge.with({ provider }).set(value ?? Number.NaN);
};

/** Shows how a provider stands; a report that is null: nobody says. */
export function providerGauges(metrics: Metrics): (provider: string, report: ProviderReport | null) => void {
  const gauge = ofProviders(metrics);
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
  return (provider, report) => {
    health(provider, report === null ? null : HEALTH_FIGURE[report.health]);
    latency(provider, report?.latency_ms ?? null);
    cost(provider, report === null ? null : meanPriceUsd(report));
    capacity(provider, report?.capacity_gpu_hours ?? null);
  };
}

export interface DeploymentGauges {
  active(provider: string, deployments: number | null): void;
  reward(mean: number | null): void;
}

export function deploymentGauges(metrics: Metrics): DeploymentGauges {
  const reward = metrics
    .gauge({
      name: 'aurora_ai_reward',
      help: 'Mean realised utility of the newest ended deployments, those left out that say nothing of a provider',
      labels: [],
    })
    .with({});
  reward.set(Number.NaN);
  return {
    active: ofProviders(metrics)('aurora_active_deployments', 'Deployments followed now'),
    reward: (mean) => reward.set(mean ?? Number.NaN),
  };
}
