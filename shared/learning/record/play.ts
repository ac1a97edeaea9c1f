/**
 * A contestant lives through the record as if it had been there: it hears every lesson at its instant, refits as the deployed
 * learner does, and is asked about each attempt and each decision with what was known then (prequential: Dawid 1984). So nothing
 * it says has seen what it speaks of, and its policy is a function of the past alone, which keeps the estimators of off-policy
 * evaluation unbiased although it goes on learning.
 */
import { setImmediate } from 'node:timers/promises';
import { EXPLORATION_EPSILON, GATE_WEIGHT_LIMIT } from '#shared/defaults.ts';
import { emptyPredictions, type Predictions, predictInto } from '../evaluate/predictions.ts';
import type { Example } from '../example.ts';
import { refitAfter } from '../fast/cadence.ts';
import { valueCandidates } from '../fast/candidate-value.ts';
import { NO_RECORD } from '../fast/estimate.ts';
import { createFastLearner, type FastLearner } from '../fast/fast-learner.ts';
import { type Lesson, teach } from '../fast/lesson.ts';
import { epsilonSoftened } from '../policy/chances.ts';
import { EXPLORATION, thompson } from '../policy/thompson.ts';
import type { Contestant } from './contestant.ts';
import type { RecordedCandidate, RecordedDecision, RewardedDecision } from './recorded.ts';

/** What a contestant would have done at a decision. */
export interface Played {
  /** Probability with which it would have taken the logged action. */
  readonly probability: number;
  /** Its expected utility of the logged action, and of its own and of the rules' distribution. */
  readonly q: number;
  readonly v: number;
  readonly vRules: number;
  /** Of its distribution, the share on actions that the log takes at least once in GATE_WEIGHT_LIMIT times. */
  readonly support: number;
}

export interface Asked {
  /** Both in the order of their instants. */
  readonly examples: readonly Example[];
  readonly decisions: readonly RewardedDecision[];
}

export interface PlayedRecord {
  /** Of the examples. */
  readonly predictions: Predictions;
  /** Of the decisions; null: a candidate has no baseline. */
  readonly choices: readonly (Played | null)[];
  /** The contestant's learner, every lesson heard. */
  readonly learner: FastLearner;
}

/** Before the first question nobody looks at the posterior but the drifts: it is brought up to date when the record has grown by so much. */
const UNASKED_SHARE = 0.25;
/** Lessons heard and questions answered between two turns of the event loop: some milliseconds. */
const TURN = 64;

/** @param lessons in the order of their instants */
export async function playRecord(
  lessons: readonly Lesson[],
  contestant: Contestant,
  { examples, decisions }: Asked,
): Promise<PlayedRecord> {
  const learner = createFastLearner();
  const askedFromMs = Math.min(
    ...[examples[0]?.decided_at, decisions[0]?.decidedAtMs].map((ms) => ms ?? Number.POSITIVE_INFINITY),
  );
  let refitAt = refitAfter(0);
  let done = 0;
  const turn = async (): Promise<void> => {
    done += 1;
    if (done % TURN === 0) await setImmediate();
  };
  const hear = (lesson: Lesson): void => {
    const baseline = lesson.kind === 'drop' ? NO_RECORD : contestant.lessonBaseline(lesson.seen);
    if (baseline !== null) teach(learner, lesson, baseline);
    if (learner.observations() < refitAt) return;
    learner.refit(lesson.seen.atMs);
    const seen = learner.observations();
    refitAt = seen + (lesson.seen.atMs < askedFromMs ? UNASKED_SHARE * seen : refitAfter(seen));
  };

  const predictions = emptyPredictions(examples.length);
  let finite = true;
  const choices: (Played | null)[] = [];
  let [heard, foretold] = [0, 0];
  const until = async (atMs: number): Promise<void> => {
    for (let lesson = lessons[heard]; lesson !== undefined && lesson.seen.atMs <= atMs; lesson = lessons[heard]) {
      heard += 1;
      hear(lesson);
      await turn();
    }
  };
  const foretell = async (atMs: number): Promise<void> => {
    for (let example = examples[foretold]; example !== undefined && example.decided_at <= atMs; ) {
      await until(example.decided_at);
      finite = predictInto(predictions, foretold, example, rawOf(learner, contestant, example)) && finite;
      foretold += 1;
      example = examples[foretold];
      await turn();
    }
  };
  await until(askedFromMs);
  learner.refit(askedFromMs === Number.POSITIVE_INFINITY ? learner.knowledge().nowMs : askedFromMs);
  refitAt = learner.observations() + refitAfter(learner.observations());
  for (const decision of decisions) {
    await foretell(decision.decidedAtMs);
    await until(decision.decidedAtMs);
    choices.push(choiceAt(learner, contestant, decision));
    await turn();
  }
  await foretell(Number.POSITIVE_INFINITY);
  await until(Number.POSITIVE_INFINITY);
  return { predictions: { ...predictions, finite }, choices, learner };
}

/** Linear predictors of an attempt, P(start) as the mean of the logistic under the posterior (MacKay 1992). */
function rawOf(learner: FastLearner, contestant: Contestant, { features, decided_at }: Example): number[] {
  const [baseline] = contestant.baselines([features]);
  if (baseline == null) return new Array<number>(5).fill(Number.NaN);
  const { mean, variance } = learner.estimate(features, baseline, decided_at);
  const start = mean.start / Math.sqrt(1 + (Math.PI * variance.start) / 8);
  return [start, mean.hazard, mean.price, mean.latency, mean.ready];
}

function choiceAt(learner: FastLearner, contestant: Contestant, decision: RewardedDecision): Played | null {
  const { workload, candidates, decidedAtMs } = decision;
  const baselines = contestant.baselines(candidates.map(({ features }) => features));
  const asked = candidates.flatMap(({ offer, features }, i) => {
    const baseline = baselines[i] ?? null;
    return baseline === null ? [] : [{ offer, features, baseline }];
  });
  if (asked.length !== candidates.length) return null;
  const values = valueCandidates(learner, workload, asked, decidedAtMs);
  const own = thompson(
    values.map(({ expectedUtility }) => expectedUtility),
    values.map(({ leadVariance }) => leadVariance),
    EXPLORATION,
  );
  return playedOf(
    decision,
    own,
    values.map(({ expectedUtility }) => expectedUtility),
  );
}

/** @param own distribution over the candidates, and @param expected utility of each, in their order */
export function playedOf(
  { candidates, taken }: Pick<RecordedDecision, 'candidates' | 'taken'>,
  own: readonly number[],
  expected: readonly number[],
): Played {
  const weighed = (probabilities: readonly number[]): number =>
    probabilities.reduce((sum, p, i) => sum + p * (expected[i] as number), 0);
  const supported = (i: number): boolean => (candidates[i] as RecordedCandidate).probability * GATE_WEIGHT_LIMIT >= 1;
  return {
    probability: own[taken] as number,
    q: expected[taken] as number,
    v: weighed(own),
    vRules: weighed(rulesOver(candidates)),
    support: own.reduce((sum, p, i) => sum + (supported(i) ? p : 0), 0),
  };
}

/** The distribution of the rules as they act. */
export const rulesOver = (candidates: readonly RecordedCandidate[]): number[] =>
  epsilonSoftened(
    candidates.map(({ ruleScore }) => ruleScore),
    EXPLORATION_EPSILON,
  );
