import { deploymentGauges } from '#shared/serving/provider-gauges.ts';
import type { Metrics } from '#shared/telemetry/metrics.ts';

export const watchMetrics = (metrics: Metrics) => ({
  outcomes: metrics.counter({
    name: 'aurora_outcomes_total',
    help: 'Final outcomes by status',
    labels: ['provider', 'status'],
  }),
  ...deploymentGauges(metrics),
  orphans: metrics.counter({
    name: 'aurora_orphans_total',
    help: 'Instances of ours that nobody followed, by what became of them: adopted, terminated, failed (it is tried again)',
    labels: ['provider', 'action'],
  }),
});
