/** Contenders as players of the war game: they hear what the world tells, and answer what they would do. */
import { EXPOSURE_FLOOR_HOURS } from '#shared/defaults.ts';
import type { Example } from '#shared/learning/example.ts';
import { attemptKey, type Lesson } from '#shared/learning/fast/lesson.ts';
import { candidateFeatures } from '#shared/learning/features.ts';
import type { Driver } from '#shared/learning/stages/driver.ts';
import type { Player } from '#shared/learning/stages/player.ts';
import { runHoursOf, type Lesson as Told, utilityOf } from '../attempt.ts';
import type { Policy } from './policy.ts';

/** One learner, from its first decision on. */
export const playedBy = (player: Player): Policy => ({
  distribution: ({ workload, offers, nowMs }) => player.distribution(workload, player.value(workload, offers, nowMs)),
  ready: (told) => player.hear(lessonOf('ready', told)),
  final: (told) => player.hear(lessonOf('final', told)),
  drop: (key, atMs) => player.hear(dropOf(key, atMs)),
});

/** The whole router: stages, gate, switchback. */
export const drivenBy = (driver: Driver): Policy => ({
  async distribution(choice) {
    return (await driver.decide(choice)).probabilities;
  },
  ready: (told) => driver.hear({ ...newsOf('ready', told), example: null }),
  final: (told) => driver.hear({ ...newsOf('final', told), example: exampleOf(told) }),
  drop: (key, atMs) => driver.hear({ key, offerId: '', lesson: dropOf(key, atMs), example: null }),
});

const keyOf = (key: string): string => attemptKey({ decision_id: key, attempt: 0 });
export const dropOf = (key: string, atMs: number): Lesson => ({ kind: 'drop', seen: { key: keyOf(key), atMs } });

const newsOf = (kind: 'ready' | 'final', told: Told) => ({
  key: told.key,
  offerId: told.offer.offer_id,
  lesson: lessonOf(kind, told),
});

/** Features are a function of the decision alone, so they are computed again rather than kept for the length of the run. */
export const lessonOf = (kind: 'ready' | 'final', told: Told): Lesson => {
  const { workload, offer, decidedMs, end: _end, ...facts } = told;
  return {
    kind,
    seen: {
      ...facts,
      key: keyOf(told.key),
      runHours: runHoursOf(workload),
      features: candidateFeatures(workload, offer, decidedMs),
    },
  };
};

export function exampleOf(told: Told): Omit<Example, 'propensity'> {
  const { key, workload, offer, decidedMs, atMs, started, interrupted, exposureHours } = told;
  return {
    decision_id: key,
    attempt: 0,
    decided_at: decidedMs,
    observed_at: atMs,
    features: candidateFeatures(workload, offer, decidedMs),
    run_hours: runHoursOf(workload),
    started: started ? 1 : 0,
    interrupted: started ? (interrupted ? 1 : 0) : null,
    exposure_hours: exposureHours === null ? null : Math.max(EXPOSURE_FLOOR_HOURS, exposureHours),
    log_price_ratio: told.logPriceRatio,
    log_latency_ratio: told.logLatencyRatio,
    log_ready_ms: told.logReadyMs,
    mode: '',
    utility: utilityOf(told),
  };
}
