import type { Metrics } from '#shared/telemetry/metrics.ts';

export const watchMetrics = (metrics: Metrics) => ({
  outcomes: metrics.counter({
    name: 'aurora_outcomes_total',
    help: 'Final outcomes by status',
    labels: ['provider', 'status'],
  }),
  active: metrics.gauge({
    name: 'aurora_active_deployments',
    help: 'Deployments followed now',
    labels: ['provider'],
  }),
  orphans: metrics.counter({
    name: 'aurora_orphans_total',
    help: 'Instances of ours that nobody followed, by what became of them: adopted, terminated, failed (it is tried again)',
    labels: ['provider', 'action'],
  }),
  reward: metrics
    .gauge({
      name: 'aurora_ai_reward',
      help: 'Mean realised utility of the newest ended deployments, those left out that say nothing of a provider',
      labels: [],
    })
    .with({}),
});
