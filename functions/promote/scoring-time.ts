/** How long it takes to value candidates, measured where it is judged: a model that is slow serves nobody. */
import { valueCandidates } from '#shared/learning/fast/candidate-value.ts';
import { NO_RECORD } from '#shared/learning/fast/estimate.ts';
import type { FastLearner } from '#shared/learning/fast/fast-learner.ts';
import type { Contestant } from '#shared/learning/record/contestant.ts';
import type { RecordedDecision } from '#shared/learning/record/recorded.ts';

const CANDIDATES = 8;
/** A tenth of a second, in which nothing else is answered; the first ones only warm up. */
const [WARM, MEASURED] = [50, 500];

/** The 99th percentile of eight candidates, milliseconds; null: there is no decision to value. */
export function scoringMs(
  { baselines }: Contestant,
  learner: FastLearner,
  decisions: readonly RecordedDecision[],
  stopwatchMs: () => number,
): number | null {
  const asked = decisions.filter(({ candidates }) => candidates.length > 0).slice(-MEASURED);
  const times: number[] = [];
  for (let call = 0; asked.length > 0 && call < WARM + MEASURED; call++) {
    const { candidates, workload, decidedAtMs } = asked[call % asked.length] as RecordedDecision;
    const eight = Array.from(
      { length: CANDIDATES },
      (_, i) => candidates[i % candidates.length] as (typeof candidates)[0],
    );
    const startedMs = stopwatchMs();
    const said = baselines(eight.map(({ features }) => features));
    valueCandidates(
      learner,
      workload,
      eight.map(({ offer, features }, i) => ({ offer, features, baseline: said[i] ?? NO_RECORD })),
      decidedAtMs,
    );
    if (call >= WARM) times.push(stopwatchMs() - startedMs);
  }
  return times.sort((a, b) => a - b)[Math.ceil(0.99 * times.length) - 1] ?? null;
}
