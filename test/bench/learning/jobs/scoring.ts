/**
 * What a decision of the learner costs: eight candidates valued, and the distribution over them; by the learner itself, as
 * the agent decides, and by its posterior as `score` loads it. Against the rules, and against a machine that does nothing else.
 */
import { playedBy } from '#cli/wargame/policies/played.ts';
import type { Choice, PolicyOf } from '#cli/wargame/policies/policy.ts';
import { playWorld } from '#cli/wargame/world.ts';
import { EXPLORATION_EPSILON } from '#shared/defaults.ts';
import type { Features } from '#shared/domain/features.ts';
import { valueCandidates } from '#shared/learning/fast/candidate-value.ts';
import { NO_RECORD } from '#shared/learning/fast/estimate.ts';
import { loadPosterior, parsePosterior, posteriorOf } from '#shared/learning/fast/posterior.ts';
import { featuresFor } from '#shared/learning/features.ts';
import { epsilonSoftened } from '#shared/learning/policy/chances.ts';
import { EXPLORATION, thompson } from '#shared/learning/policy/thompson.ts';
import { createPlayer } from '#shared/learning/stages/player.ts';
import { classicScore } from '#shared/rules/classic-score.ts';
import { loadMarketSpec } from '#sim/market/load-spec.ts';
import { alternate } from '../../rounds.ts';
import { median } from '../../stats.ts';
import { type CallTimes, timeCalls } from '../../time-calls.ts';
import type { OnShare } from './play.ts';

const CANDIDATES = 8;
/** Different decisions that are scored in turn. */
const CHOICES = 256;

export interface ScoringJob {
  readonly kind: 'scoring';
  readonly market: string;
  readonly seed: number;
  /** Decisions from which the learner has learnt. */
  readonly decisions: number;
  /** Timed in each round. */
  readonly calls: number;
  readonly rounds: number;
}

export interface ScoringResult {
  readonly observations: number;
  readonly candidates: number;
  /** Medians over the rounds, which alternate. */
  readonly learner: CallTimes;
  readonly posterior: CallTimes;
  readonly rules: CallTimes;
  /** Arithmetic alone that takes as long as the posterior at its median: its tail is what the machine does to any call. */
  readonly machine: CallTimes;
}

export async function runScoring(job: ScoringJob, onShare: OnShare): Promise<ScoringResult> {
  const { market, seed, decisions, calls, rounds } = job;
  const online = createPlayer(EXPLORATION);
  const player = playedBy(online);
  const choices: Choice[] = [];
  const keeping: PolicyOf = () => ({
    ...player,
    distribution(choice) {
      if (choice.offers.length >= CANDIDATES) choices.push({ ...choice, offers: choice.offers.slice(0, CANDIDATES) });
      if (choices.length > CHOICES) choices.shift();
      return player.distribution(choice);
    },
  });
  await playWorld(
    { spec: loadMarketSpec(market), seed, deviation: 1, scenario: null, decisions, slowFeedback: 1 },
    keeping,
    (done) => onShare((0.8 * done) / decisions),
  );
  if (choices.length === 0) throw new RangeError(`expected decisions with ${CANDIDATES} candidates, got none`);
  const at = (index: number): Choice => choices[index % choices.length] as Choice;
  const stored: unknown = JSON.parse(JSON.stringify(posteriorOf(online.learner)));
  const posterior = loadPosterior(parsePosterior(stored));
  const byPosterior = ({ workload, offers, nowMs }: Choice): readonly number[] => {
    const features = offers.map(featuresFor(workload, nowMs));
    const asked = offers.map((offer, i) => ({ offer, features: features[i] as Features, baseline: NO_RECORD }));
    const values = valueCandidates(posterior, workload, asked, nowMs);
    return thompson(
      values.map(({ expectedUtility }) => expectedUtility),
      values.map(({ leadVariance }) => leadVariance),
      EXPLORATION,
    );
  };
  const steps = stepsOf(timeCalls(calls, (i) => byPosterior(at(i))).p50Us, calls);
  let kept: unknown;
  const times = await alternate(rounds, {
    learner: () => timeCalls(calls, (i) => (kept = player.distribution(at(i)))),
    posterior: () => timeCalls(calls, (i) => (kept = byPosterior(at(i)))),
    rules: () =>
      timeCalls(calls, (i) => {
        const { workload, offers } = at(i);
        kept = epsilonSoftened(
          offers.map((offer) => classicScore(workload.weights, offer)),
          EXPLORATION_EPSILON,
        );
      }),
    machine: () => timeCalls(calls, () => (kept = arithmetic(steps))),
  });
  if (kept === undefined) throw new Error('expected the last distribution to be kept');
  const overRounds = (all: readonly CallTimes[]): CallTimes => ({
    p50Us: median(all.map(({ p50Us }) => p50Us)),
    p99Us: median(all.map(({ p99Us }) => p99Us)),
  });
  return {
    observations: online.learner.observations(),
    candidates: CANDIDATES,
    learner: overRounds(times.learner),
    posterior: overRounds(times.posterior),
    rules: overRounds(times.rules),
    machine: overRounds(times.machine),
  };
}

/** Touches no memory and leaves no garbage. */
function arithmetic(steps: number): number {
  let x = 1;
  for (let i = 0; i < steps; i++) x = x * 1.000_000_1 + 1e-9;
  return x;
}

const TRIED_STEPS = 10_000;

/** Of `arithmetic`, so that it takes as long. */
const stepsOf = (targetUs: number, calls: number): number =>
  Math.round((TRIED_STEPS * targetUs) / timeCalls(calls, () => arithmetic(TRIED_STEPS)).p50Us);
