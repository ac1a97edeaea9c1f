/**
 * Off-policy estimates against the truth, which the market knows. The rules log with epsilon .1 throughout; a learner that
 * learnt from the beginning of their log and then stands still is both the target policy and the model of the estimators.
 * Consecutive stretches of the record are the repetitions.
 */

import { utilityOf } from '#cli/wargame/attempt.ts';
import { playedBy } from '#cli/wargame/policies/played.ts';
import type { Policy, PolicyOf } from '#cli/wargame/policies/policy.ts';
import { playWorld } from '#cli/wargame/world.ts';
import { ESTIMATORS } from '#shared/learning/off-policy/estimators.ts';
import { evaluate, type Interval } from '#shared/learning/off-policy/evaluate.ts';
import type { Logged } from '#shared/learning/off-policy/logged.ts';
import { epsilonSoftened } from '#shared/learning/policy/chances.ts';
import { EXPLORATION } from '#shared/learning/policy/thompson.ts';
import { createPlayer } from '#shared/learning/stages/player.ts';
import { classicScore } from '#shared/rules/classic-score.ts';
import { loadMarketSpec } from '#sim/market/load-spec.ts';
import type { Market } from '#sim/market/market.ts';
import type { OnShare } from './play.ts';

const EPSILON = 0.1;
/** Decisions from which target and model are learnt, before the first repetition. */
const LEARNT_FROM = 5_000;
/** Decisions after the last repetition: until then its runs have ended. */
const TAIL = 2_000;

export interface OffPolicyJob {
  readonly kind: 'off-policy';
  readonly market: string;
  readonly seed: number;
  /** Logged decisions, all repetitions together. */
  readonly rows: number;
  /** Of one repetition; each in turn. */
  readonly sizes: readonly number[];
}

/** The estimators, and DR with the truth as its model: what is left of its error then is the noise of the outcomes alone. */
export const JUDGED = [...ESTIMATORS, 'dr_by_truth'] as const;
export type Judged = (typeof JUDGED)[number];

interface EstimatorErrors {
  /** |estimate - truth| / truth, mean over the repetitions. */
  readonly relative_error: number;
  /** Repetitions whose 95 % interval holds the truth. */
  readonly covered: number;
}

export interface OffPolicyResult {
  /** True expected utility of the target policy, and of the rules that logged, mean over the rows. */
  readonly truth: number;
  readonly logging: number;
  readonly sizes: readonly {
    readonly n: number;
    readonly repetitions: number;
    readonly errors: Readonly<Record<Judged, EstimatorErrors>>;
  }[];
}

export async function runOffPolicy(job: OffPolicyJob, onShare: OnShare): Promise<OffPolicyResult> {
  const { market, seed, rows, sizes } = job;
  const decisions = LEARNT_FROM + rows + TAIL;
  const record = createRecord();
  await playWorld(
    { spec: loadMarketSpec(market), seed, deviation: 1, scenario: null, decisions, slowFeedback: 1 },
    record.policyOf,
    // The evaluations take the rest.
    (done) => onShare((0.9 * done) / decisions),
  );
  const whole = record.rows().slice(0, rows);
  const truth = meanOf(whole.map((row) => row.truth));
  return {
    truth,
    logging: meanOf(whole.map((row) => row.logging)),
    sizes: sizes.map((n) => errorsOf(whole, n, truth, seed)),
  };
}

interface Row extends Logged {
  readonly truth: number;
  /** Of the logged action. */
  readonly truthLogged: number;
  readonly logging: number;
}
type Asked = Pick<Row, 'vTarget' | 'truth' | 'logging'> & {
  readonly propensities: readonly number[];
  readonly target: readonly number[];
  readonly values: readonly number[];
  readonly truths: readonly number[];
  readonly offers: readonly string[];
};

/** What the rules' decisions say, in their order; those that ended by the tenant's own fault say nothing. */
function createRecord(): { readonly policyOf: PolicyOf; rows(): readonly Row[] } {
  const asked = new Map<string, Asked>();
  const rewarded = new Map<string, Row>();
  const online = createPlayer(EXPLORATION);
  const learner = playedBy(online);
  let decisions = 0;
  const policyOf = (market: Market): Policy => ({
    distribution({ key, workload, offers, nowMs }) {
      const propensities = epsilonSoftened(
        offers.map((offer) => classicScore(workload.weights, offer)),
        EPSILON,
      );
      decisions += 1;
      if (decisions <= LEARNT_FROM) return propensities;
      const candidates = online.value(workload, offers, nowMs);
      const target = online.distribution(workload, candidates);
      const values = candidates.map(({ expectedUtility }) => expectedUtility);
      const truths = offers.map((offer) => market.trueExpectation(workload, offer.offer_id, nowMs).expected_utility);
      asked.set(key, {
        propensities,
        target,
        values,
        truths,
        offers: offers.map((offer) => offer.offer_id),
        vTarget: weighted(target, values),
        truth: weighted(target, truths),
        logging: weighted(propensities, truths),
      });
      return propensities;
    },
    ready(lesson) {
      if (decisions <= LEARNT_FROM) learner.ready(lesson);
    },
    final(lesson) {
      if (decisions <= LEARNT_FROM) learner.final(lesson);
      const row = asked.get(lesson.key);
      if (row === undefined) return;
      const { propensities, target, values, truths, offers, ...same } = row;
      const taken = offers.indexOf(lesson.offer.offer_id);
      rewarded.set(lesson.key, {
        ...same,
        reward: utilityOf(lesson),
        propensity: propensities[taken] as number,
        targetProbability: target[taken] as number,
        qLogged: values[taken] as number,
        truthLogged: truths[taken] as number,
      });
    },
    drop(key, atMs) {
      if (decisions <= LEARNT_FROM) learner.drop(key, atMs);
    },
  });
  return { policyOf, rows: () => [...asked.keys()].flatMap((key) => rewarded.get(key) ?? []) };
}

function errorsOf(rows: readonly Row[], n: number, truth: number, seed: number): OffPolicyResult['sizes'][number] {
  const repetitions = Math.floor(rows.length / n);
  const logs = Array.from({ length: repetitions }, (_, at) => rows.slice(at * n, (at + 1) * n));
  const made = logs.map((log) => {
    const byTruth = log.map((row) => ({ ...row, qLogged: row.truthLogged, vTarget: row.truth }));
    return { ...evaluate(log, { seed }).estimators, dr_by_truth: evaluate(byTruth, { seed }).estimators.dr };
  });
  const errors = JUDGED.map((name): [Judged, EstimatorErrors] => {
    const intervals = made.map((estimates) => estimates[name]).filter((found): found is Interval => found !== null);
    return [
      name,
      {
        relative_error: meanOf(intervals.map(({ value }) => Math.abs(value - truth) / Math.abs(truth))),
        covered: intervals.filter(({ low, high }) => low <= truth && truth <= high).length,
      },
    ];
  });
  return { n, repetitions, errors: Object.fromEntries(errors) as Record<Judged, EstimatorErrors> };
}

const weighted = (probabilities: readonly number[], values: readonly number[]): number =>
  probabilities.reduce((sum, p, at) => sum + p * (values[at] as number), 0);
const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
