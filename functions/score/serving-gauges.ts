import type { Metrics } from '#shared/telemetry/metrics.ts';
import type { Serving } from './served-model.ts';

const MODES: readonly Serving['mode'][] = ['rules', 'apprentice', 'online'];

/** Read at each scrape: what acts, and whether that is what the aliases say. */
export function showServing(metrics: Metrics, serving: () => Serving): void {
  const mode = metrics.gauge({
    name: 'aurora_score_mode_info',
    help: '1 for what acts on the answers of score: the rules, the rules beside an apprentice, or a model',
    labels: ['mode'],
  });
  for (const each of MODES) mode.with({ mode: each }).track(() => (serving().mode === each ? 1 : 0));
  metrics
    .gauge({
      name: 'aurora_score_model_faults',
      help: '1 while what serves is not what the aliases name, because that does not load',
      labels: [],
    })
    .with({})
    .track(() => (serving().fault === null ? 0 : 1));
}
