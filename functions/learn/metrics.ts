import type { WorldClock } from '#shared/ports/clock.ts';
import type { CounterChild, Metrics } from '#shared/telemetry/metrics.ts';
import { ROLES } from './decide.ts';
import type { Learners } from './learners.ts';
import type { Counts } from './study/ledger.ts';

export interface LearnMetrics {
  /** What became of outcomes, by result: `applied`, or why they taught nothing (anew). */
  count(results: Counts | Readonly<Record<string, number>>): void;
  round(ms: number): void;
  refit(ms: number): void;
  conflict(): void;
}

const SECONDS = [0.01, 0.03, 0.1, 0.3, 1, 3, 10];

/** `learners`: asked at each scrape. */
export function createLearnMetrics(metrics: Metrics, worldClock: WorldClock, learners: () => Learners): LearnMetrics {
  const lessons = metrics.counter({
    name: 'aurora_learn_lessons_total',
    help: 'Outcomes delivered to the learner by what became of them.',
    labels: ['result'],
  });
  const observations = metrics.gauge({
    name: 'aurora_learn_observations',
    help: 'Attempts whose start a learner knows.',
    labels: ['learner'],
  });
  const age = metrics.gauge({
    name: 'aurora_learn_statistics_age_seconds',
    help: 'World seconds since the statistics were written; NaN: there are none.',
    labels: ['learner'],
  });
  const drifting = metrics.gauge({
    name: 'aurora_learn_drift_alarms',
    help: 'Heads of providers that surely do not behave as their record says.',
    labels: ['learner'],
  });
  const histogram = (name: string, help: string) =>
    metrics.histogram({ name, help, labels: [], buckets: SECONDS }).with({});
  const rounds = histogram('aurora_learn_round_seconds', 'From taking outcomes in to having written them.');
  const refits = histogram('aurora_learn_refit_seconds', 'Bringing a posterior up to date, in its thread.');
  const conflicts = metrics.counter({
    name: 'aurora_learn_conflicts_total',
    help: 'Writes that another instance was first with.',
    labels: [],
  });
  for (const learner of ROLES) {
    observations.with({ learner }).track(() => learners().view(learner)?.observations ?? 0);
    drifting.with({ learner }).track(() => learners().view(learner)?.drifting.length ?? 0);
    age.with({ learner }).track(() => {
      const writtenAtMs = learners().view(learner)?.writtenAtMs ?? null;
      return writtenAtMs === null ? Number.NaN : Math.max(0, worldClock.now() - writtenAtMs) / 1_000;
    });
  }
  const children = new Map<string, CounterChild>();
  return {
    count(results) {
      for (const [result, amount] of Object.entries(results)) {
        const child = children.get(result) ?? lessons.with({ result });
        children.set(result, child);
        child.add(amount);
      }
    },
    round: (ms) => rounds.observe(ms / 1_000),
    refit: (ms) => refits.observe(ms / 1_000),
    conflict: () => conflicts.with({}).add(),
  };
}
