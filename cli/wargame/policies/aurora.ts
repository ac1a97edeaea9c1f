import { createOnlinePolicy, type OnlinePolicy } from '#shared/learning/fast/online-policy.ts';
import { candidateFeatures } from '#shared/learning/features.ts';
import { EXPLORATION } from '#shared/learning/thompson.ts';
import type { Lesson } from '../attempt.ts';
import type { Policy } from './policy.ts';

/** The fast learner acting from its first decision, as it is deployed: same budget, same floor. */
export const auroraPolicy = (): Policy => playedBy(createOnlinePolicy(EXPLORATION));

/** A learner as a player: hears what the world tells, answers what it would do. */
export const playedBy = (online: OnlinePolicy): Policy => ({
  distribution: ({ workload, offers, nowMs }) => online.distribution(workload, online.value(workload, offers, nowMs)),
  ready: (lesson) => online.ready(seenIn(lesson)),
  final: (lesson) => online.final(seenIn(lesson)),
  drop: (key, atMs) => online.drop(key, atMs),
});

/** A function of the decision alone, so it is computed again rather than kept for the length of the run. */
const seenIn = ({ workload, offer, decidedMs, ...facts }: Lesson) => ({
  ...facts,
  runHours: workload.gpu_hours / workload.gpu_count,
  features: candidateFeatures(workload, offer, decidedMs),
});
