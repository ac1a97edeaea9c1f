import { stage } from '#shared/domain/control.ts';
import type { Metrics } from '#shared/telemetry/metrics.ts';
import type { Serving } from './serving.ts';

const MODES: readonly Serving['mode'][] = ['rules', 'apprentice', 'switchback', 'online'];

/** Read at each scrape: what acts, by whose word, and whether that is what was said. */
export function showServing(metrics: Metrics, serving: () => Serving): void {
  const mode = metrics.gauge({
    name: 'aurora_score_mode_info',
    help: '1 for what acts on the answers of score: the rules, the rules beside an apprentice, the arms of a trial, or a model',
    labels: ['mode'],
  });
  for (const each of MODES) mode.with({ mode: each }).track(() => (serving().mode === each ? 1 : 0));
  const stages = metrics.gauge({
    name: 'aurora_control_stage_info',
    help: '1 for the stage that the control object names',
    labels: ['stage'],
  });
  for (const each of stage.options) stages.with({ stage: each }).track(() => (serving().stage === each ? 1 : 0));
  const one = (name: string, help: string, read: (now: Serving) => number): void =>
    metrics
      .gauge({ name, help, labels: [] })
      .with({})
      .track(() => read(serving()));
  one(
    'aurora_score_model_faults',
    '1 while somebody else acts than should, or the control object cannot be read',
    (now) => (now.fault === null ? 0 : 1),
  );
  one('aurora_control_kill_switch', '1 while the kill switch is pulled: the rules act', ({ kill }) =>
    kill === null ? 0 : 1,
  );
  one('aurora_control_explore', '0 while an incident is open: the best is taken', ({ explores }) => (explores ? 1 : 0));
  one('aurora_control_trial_block', 'Block of the trial that runs, from 0; -1: none runs', ({ trial }) =>
    trial === null ? -1 : trial.block,
  );
}
