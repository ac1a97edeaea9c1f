/**
 * One run of `vm agent`: lines in, answers out. A pure function of lines and seed: time is what the lines say, the draws are
 * HMACs of the seed, refits, trainings and judgements happen after fixed numbers of outcomes, and are awaited.
 * A decision's life: decided -> ready (interim) -> ended. Ended ones keep their answer only, for a retry of their request.
 */

import { EXPOSURE_FLOOR_HOURS } from '#shared/defaults.ts';
import { RULES } from '#shared/domain/actor.ts';
import type { Features } from '#shared/domain/features.ts';
import { decisionId, sha256Hex, uniformDraw } from '#shared/domain/ids.ts';
import type { Offer } from '#shared/domain/offer.ts';
import { canonicalWorkloadOf, type Workload } from '#shared/domain/request.ts';
import { AuroraError, RejectedError } from '#shared/errors.ts';
import type { Example } from '#shared/learning/example.ts';
import { attemptKey } from '#shared/learning/fast/lesson.ts';
import { sampleIndex } from '#shared/learning/policy/chances.ts';
import type { ExplorationLimits } from '#shared/learning/policy/thompson.ts';
import { createDriver, type DriverStage } from '#shared/learning/stages/driver.ts';
import type { Valued } from '#shared/learning/stages/player.ts';
import type { TrainVersion } from '#shared/learning/stages/train-version.ts';
import { eligibleOffers } from '#shared/rules/eligibility.ts';
import { offerOf } from './offers.ts';
import { factsOf, teaches, utilityOf } from './outcome.ts';
import { type AgentAnswer, type OutcomeLine, parseAgentLine, type RouteLine } from './protocol.ts';

export interface AgentOptions {
  readonly seed: number;
  readonly stage: DriverStage;
  readonly exploration: ExplorationLimits;
  /** Null: no versions are trained. */
  readonly train: TrainVersion | null;
}

export interface AgentSession {
  /** The answer to a line; null: none is owed. Never rejects for what a line says. One line at a time. @param line its number, from 1 */
  handle(bytes: Uint8Array, line: number): Promise<AgentAnswer | null>;
}

interface Taken {
  readonly workload: Workload;
  readonly offer: Offer;
  readonly features: Features;
  readonly decidedMs: number;
  readonly mode: string;
  readyAtMs: number | null;
}

/** Decisions whose answer is remembered. A retry comes soon or never; the oldest go. */
const REMEMBERED = 100_000;

export function createAgentSession({ seed, stage, exploration, train }: AgentOptions): AgentSession {
  const driver = createDriver({ stage, exploration, seed, train });
  const answers = new Map<string, { readonly hash: string; readonly answer: AgentAnswer }>();
  const open = new Map<string, Taken>();
  const salt = `agent ${seed}`;
  const counts = { decisions: 0, no_offer: 0, outcomes: 0 };
  let nowMs = Number.NEGATIVE_INFINITY;

  const route = async (line: RouteLine): Promise<AgentAnswer> => {
    const workload = canonicalWorkloadOf(line.request);
    const { request_id: requestId } = line.request;
    const id = decisionId(workload.tenant_id, requestId);
    const hash = sha256Hex(JSON.stringify(workload));
    const earlier = answers.get(id);
    if (earlier !== undefined) {
      if (earlier.hash === hash) return earlier.answer;
      throw new RejectedError('request_conflict', `request_id ${requestId} was used for a different request`);
    }
    const providers = new Map(line.offers.map((given) => [given.offer_id, given.provider]));
    if (providers.size !== line.offers.length)
      throw new RejectedError('body_invalid', 'offers: expected each offer_id once');
    const { eligible, excluded } = eligibleOffers(
      workload,
      line.offers.map((given) => offerOf(given, line.at)),
    );
    if (eligible.length === 0) {
      counts.no_offer += 1;
      return {
        type: 'no_offer',
        request_id: requestId,
        excluded: excluded.map(({ offer_id, reason, needed }) => ({ offer_id, reason, needed })),
      };
    }
    const { candidates, probabilities, mode, actor } = await driver.decide({
      key: id,
      workload,
      offers: eligible,
      nowMs,
    });
    const chosen = sampleIndex(probabilities, uniformDraw(salt, id));
    const { offer, features, expectedUtility } = candidates[chosen] as Valued;
    const answer: AgentAnswer = {
      type: 'decision',
      request_id: requestId,
      decision_id: id,
      provider: providers.get(offer.offer_id) ?? offer.provider,
      offer_id: offer.offer_id,
      propensity: probabilities[chosen] as number,
      mode,
      model_version: actor === RULES ? null : actor,
      expected_utility: expectedUtility,
      probabilities: Object.fromEntries(
        eligible.map((candidate, i) => [candidate.offer_id, probabilities[i] as number]),
      ),
    };
    counts.decisions += 1;
    open.set(id, { workload, offer, features, decidedMs: nowMs, mode, readyAtMs: null });
    answers.set(id, { hash, answer });
    const oldest = answers.keys().next().value;
    if (answers.size > REMEMBERED && oldest !== undefined) answers.delete(oldest);
    return answer;
  };

  const outcome = (line: OutcomeLine): void => {
    const { decision_id: id } = line;
    const taken = open.get(id);
    if (taken === undefined) {
      if (answers.has(id)) return;
      throw new RejectedError('not_found', `decision ${id}: not made here`);
    }
    counts.outcomes += 1;
    const { workload, offer, features } = taken;
    const facts = factsOf(line, taken, nowMs);
    const runHours = workload.gpu_hours / workload.gpu_count;
    const key = attemptKey({ decision_id: id, attempt: 0 });
    const seen = { key, features, runHours, atMs: nowMs, ...facts };
    const news = { key: id, offerId: offer.offer_id };
    if (line.status === 'ready') {
      taken.readyAtMs ??= nowMs;
      driver.hear({ ...news, lesson: { kind: 'ready', seen }, example: null });
      return;
    }
    open.delete(id);
    if (!teaches(line)) driver.hear({ ...news, lesson: { kind: 'drop', seen: { key, atMs: nowMs } }, example: null });
    else driver.hear({ ...news, lesson: { kind: 'final', seen }, example: exampleOf(line, taken, seen) });
  };

  const answerTo = async (bytes: Uint8Array): Promise<AgentAnswer | null> => {
    const read = parseAgentLine(bytes);
    if (read.type === 'flush') {
      const { actor, trial, ...rest } = driver.state();
      const version = actor === RULES ? null : actor;
      return { type: 'state', ...counts, open: open.size, model_version: version, actor, trial, ...rest };
    }
    // Lines come in order; one that does not is taken as of the latest instant seen.
    nowMs = Math.max(nowMs, Date.parse(read.at));
    if (read.type === 'route') return route(read);
    outcome(read);
    return null;
  };

  return {
    async handle(bytes, line) {
      try {
        return await answerTo(bytes);
      } catch (error) {
        if (!(error instanceof AuroraError)) throw error;
        return { type: 'error', line, code: error.code, message: error.message };
      }
    },
  };
}

type Facts = ReturnType<typeof factsOf> & { readonly atMs: number; readonly runHours: number };

function exampleOf(line: OutcomeLine, taken: Taken, facts: Facts): Omit<Example, 'propensity'> {
  const { started, interrupted, exposureHours } = facts;
  return {
    decision_id: line.decision_id,
    attempt: 0,
    decided_at: taken.decidedMs,
    observed_at: facts.atMs,
    features: taken.features,
    run_hours: facts.runHours,
    started: started ? 1 : 0,
    interrupted: started ? (interrupted ? 1 : 0) : null,
    exposure_hours: exposureHours === null ? null : Math.max(EXPOSURE_FLOOR_HOURS, exposureHours),
    log_price_ratio: facts.logPriceRatio,
    log_latency_ratio: facts.logLatencyRatio,
    log_ready_ms: facts.logReadyMs,
    mode: taken.mode,
    utility: utilityOf(line, taken, facts),
  };
}
