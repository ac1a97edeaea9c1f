/**
 * One policy on its own copy of a world. In: a market spec, a seed, a policy. Out: the true expected utility of each of its
 * choices, and what became of them. Requests, their instants, the draws from the policies' distributions and the dice of
 * the deployments are functions of (seed, index) alone, so all policies meet the same luck (common random numbers);
 * what differs between their worlds is what they bought: load, hence prices of chance and what is still free.
 */
import { setImmediate } from 'node:timers/promises';
import { canonicalWorkloadOf } from '#shared/domain/request.ts';
import { RejectedError } from '#shared/errors.ts';
import { sampleIndex } from '#shared/learning/policy/chances.ts';
import { eligibleOffers } from '#shared/rules/eligibility.ts';
import type { BookedStatus } from '#sim/market/instance.ts';
import { createMarket, type Market } from '#sim/market/market.ts';
import { uniforms } from '#sim/market/random.ts';
import type { ScenarioEvent } from '#sim/market/scenario.ts';
import type { MarketSpec } from '#sim/market/spec.ts';
import { arrivalGaps, trafficStream } from '#sim/traffic.ts';
import { type Attempt, becameReady, ended, failedStart, isCensored } from './attempt.ts';
import type { Policy, PolicyOf } from './policies/policy.ts';
import { createTally, type Realised } from './realised.ts';
import { createTimeline, type Timeline } from './timeline.ts';

export interface WorldOptions {
  readonly spec: MarketSpec;
  readonly seed: number;
  /** 0..1, createMarket's. */
  readonly deviation: number;
  /** Null: the market's own. */
  readonly scenario: readonly ScenarioEvent[] | null;
  /** Requests. */
  readonly decisions: number;
  /** What is told of a run comes this many times later after the decision than it happened; 1: at its instant. */
  readonly slowFeedback: number;
}

export interface Play {
  /** Of the choice, at the instant of the choice, before its dice; NaN where nothing was eligible. One for each request. */
  readonly utility: Float64Array;
  readonly realised: Realised;
}

/** Requests between two turns of the event loop: some milliseconds. */
const TURN = 64;
/** Ended ones are asked about no more: their end is read when they are bought. */
const KEPT_INSTANCES = 1_000;

type News = (policy: Policy, atMs: number) => void;

/** @param onTurn hears the requests done so far; `false` ends the play there, and what it throws ends it with that */
export async function playWorld(
  options: WorldOptions,
  policyOf: PolicyOf,
  onTurn: (done: number) => unknown = () => undefined,
): Promise<Play> {
  const { spec, seed, deviation, scenario, decisions } = options;
  const market = createMarket({
    spec,
    seed,
    deviation,
    keepInstances: KEPT_INSTANCES,
    ...(scenario === null ? {} : { scenario }),
  });
  const policy = policyOf(market);
  const request = trafficStream({ spec, seed });
  const arrivals = arrivalsOf(spec, seed);
  const news = createTimeline<News>();
  const tally = createTally();
  const utility = new Float64Array(decisions).fill(Number.NaN);

  for (let index = 0; index < decisions; index++) {
    const decidedMs = market.startMs + arrivals(index);
    for (let due = news.takeDue(decidedMs); due !== null; due = news.takeDue(decidedMs)) due.item(policy, due.atMs);

    const workload = canonicalWorkloadOf(request(index).body);
    const offers = eligibleOffers(workload, market.offers(decidedMs, workload)).eligible;
    const key = `d${index}`;
    const given = offers.length === 0 ? [] : policy.distribution({ key, workload, offers, nowMs: decidedMs });
    const probabilities = given instanceof Promise ? await given : given;
    const offer = offers[sampleIndex(probabilities, drawOf(seed, index))];
    if (offer === undefined) tally.noOffer();
    else {
      utility[index] = market.trueExpectation(workload, offer.offer_id, decidedMs).expected_utility;
      const attempt = { key, workload, offer, decidedMs };
      const status = buy(market, attempt);
      if (status === null) tally.offerGone();
      else tally.ended(status);
      announce(news, attempt, status, options.slowFeedback);
    }
    if ((index + 1) % TURN === 0) {
      if (onTurn(index + 1) === false) break;
      await setImmediate();
    }
  }
  market.close();
  return { utility, realised: tally.total() };
}

/** Milliseconds from the start of the market until request 0, 1, 2, …; to be asked in this order. */
export function arrivalsOf(spec: MarketSpec, seed: number): (index: number) => number {
  const gap = arrivalGaps({ perSecond: spec.arrivals_per_hour / 3600, seed });
  let elapsed = 0;
  return (index) => {
    elapsed += gap(index);
    return elapsed;
  };
}

/** Keyed apart from the market's dice: who explores more does not meet other luck. */
export const drawOf = (seed: number, index: number): number => uniforms(seed, 'war game draw', index)();

/** How the run will end, which is fixed when it is bought; null: the offer was gone. */
function buy(market: Market, { key, workload, offer, decidedMs }: Attempt): BookedStatus | null {
  const { gpu_count, gpu_hours, workload_type } = workload;
  const order = { offerId: offer.offer_id, label: key, gpu_count, gpu_hours, workload_type, nowMs: decidedMs };
  try {
    const { instance_id } = market.deploy(order);
    return market.status(instance_id, Number.POSITIVE_INFINITY);
  } catch (error) {
    if (error instanceof RejectedError && error.code === 'offer_gone') return null;
    throw error;
  }
}

/** Puts what the policy will hear, and when. "Offer gone" is the answer to the purchase itself, so no feedback is slow there. */
function announce(news: Timeline<News>, attempt: Attempt, status: BookedStatus | null, slowFeedback: number): void {
  const { decidedMs, key } = attempt;
  const toldMs = (instant: string): number => decidedMs + slowFeedback * Math.max(0, Date.parse(instant) - decidedMs);
  if (status === null) {
    news.put(decidedMs, (policy, atMs) => policy.final(failedStart(attempt, atMs)));
    return;
  }
  if (status.ready_at !== null)
    news.put(toldMs(status.ready_at), (policy, atMs) => policy.ready(becameReady(attempt, status, atMs)));
  if (status.ended_at === null) throw new Error(`${status.instance_id}: expected a run that ends`);
  news.put(toldMs(status.ended_at), (policy, atMs) => {
    if (isCensored(status)) policy.drop(key, atMs);
    else policy.final(ended(attempt, status, atMs));
  });
}
