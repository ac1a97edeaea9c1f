/** The gate's checks of a policy, on what a challenger believed at each decision of the record; heads it has none. */
import { GATE_ALPHA, LINEAR_HOLDOUT_SHARE } from '#shared/defaults.ts';
import { LINEAR, RULES } from '#shared/domain/actor.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { policyEvidence } from '#shared/learning/evaluate/policy-evidence.ts';
import { judgeChecks } from '#shared/learning/gate/judge.ts';
import { sampleSize, segment, supported, uplift } from '#shared/learning/gate/policy-checks.ts';
import { playedOf } from '#shared/learning/record/play.ts';
import { rewarded } from '#shared/learning/record/recorded.ts';
import type { JudgeLearner } from '#shared/learning/stages/tribunal.ts';
import { challengerDistribution } from './challenger.ts';

/** @param seed of the bootstrap */
export const judgeChallenger =
  (seed: number): JudgeLearner =>
  (book, nowMs) => {
    const believed = [RULES, LINEAR]
      .flatMap((actor) => book.actedBy(actor, Number.NEGATIVE_INFINITY))
      .sort((a, b) => a.decidedAtMs - b.decidedAtMs);
    const record = rewarded(believed, nowMs);
    const judged = record.slice(record.length - Math.round(LINEAR_HOLDOUT_SHARE * record.length));
    const choices = judged.map((decision) =>
      playedOf(decision, challengerDistribution(decision.workload, decision.expected), decision.expected),
    );
    const evidence = policyEvidence(
      judged,
      { challenger: choices, champion: null, linear: null },
      { seed, alpha: GATE_ALPHA },
    );
    const checks = [
      sampleSize(evidence),
      supported(evidence),
      uplift('rules', 'the rules', evidence),
      ...evidence.segments.map(segment),
    ];
    return { ...judgeChecks(checks), metrics: {}, decided_at: rfc3339(nowMs), compared_with: null };
  };
