/** How long it takes to value candidates, measured where it is judged: a model that is slow serves nobody. */
import { SCORING_LIMIT_MS } from '#shared/defaults.ts';
import { valueCandidates } from '#shared/learning/fast/candidate-value.ts';
import { NO_RECORD } from '#shared/learning/fast/estimate.ts';
import type { FastLearner } from '#shared/learning/fast/fast-learner.ts';
import type { Contestant } from '#shared/learning/record/contestant.ts';
import type { RecordedDecision } from '#shared/learning/record/recorded.ts';

const CANDIDATES = 8;
/**
 * A round takes some 20 ms, in which nothing else is answered. The first within the limit counts, or else the quietest: the
 * model is judged, not what else the machine does.
 */
const [ROUNDS, CALLS] = [5, 100];

/** The 99th percentile of eight candidates, milliseconds; null: there is no decision to value. */
export function scoringMs(
  contestant: Contestant,
  learner: FastLearner,
  decisions: readonly RecordedDecision[],
  stopwatchMs: () => number,
): number | null {
  const asked = decisions.filter(({ candidates }) => candidates.length > 0).slice(-CALLS);
  if (asked.length === 0) return null;
  const round = (): number => {
    const times = Array.from({ length: CALLS }, (_, call) => {
      const decision = asked[call % asked.length] as RecordedDecision;
      const startedMs = stopwatchMs();
      valueEight(contestant, learner, decision);
      return stopwatchMs() - startedMs;
    });
    return times.sort((a, b) => a - b)[Math.ceil(0.99 * CALLS) - 1] as number;
  };
  let quietest = round();
  for (let i = 1; i < ROUNDS && quietest > SCORING_LIMIT_MS; i++) quietest = Math.min(quietest, round());
  return quietest;
}

function valueEight({ baselines }: Contestant, learner: FastLearner, decision: RecordedDecision): void {
  const { candidates, workload, decidedAtMs } = decision;
  const eight = Array.from(
    { length: CANDIDATES },
    (_, i) => candidates[i % candidates.length] as RecordedDecision['candidates'][number],
  );
  const said = baselines(eight.map(({ features }) => features));
  const offered = eight.map(({ offer, features }, i) => ({ offer, features, baseline: said[i] ?? NO_RECORD }));
  valueCandidates(learner, workload, offered, decidedAtMs);
}
