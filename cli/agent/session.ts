/**
 * One run of `vm agent`: lines in, answers out. A pure function of lines and seed: time is what the lines say, the draws are
 * HMACs of the seed, refits happen after fixed numbers of observations.
 * A decision's life: decided -> ready (interim) -> ended. Ended ones keep their answer only, for a retry of their request.
 */

import { EXPLORATION_EPSILON } from '#shared/defaults.ts';
import type { Features } from '#shared/domain/features.ts';
import { decisionId, sha256Hex, uniformDraw } from '#shared/domain/ids.ts';
import type { Offer } from '#shared/domain/offer.ts';
import { canonicalWorkloadOf, type Workload } from '#shared/domain/request.ts';
import { AuroraError, RejectedError } from '#shared/errors.ts';
import { createOnlinePolicy, type Valued } from '#shared/learning/fast/online-policy.ts';
import { epsilonSoftened, sampleIndex } from '#shared/learning/policy.ts';
import type { ExplorationLimits } from '#shared/learning/thompson.ts';
import { classicScore } from '#shared/rules/classic-score.ts';
import { eligibleOffers } from '#shared/rules/eligibility.ts';
import { offerOf } from './offers.ts';
import { factsOf, teaches } from './outcome.ts';
import { type AgentAnswer, type OutcomeLine, parseAgentLine, type RouteLine } from './protocol.ts';

export type AgentStage = 'online' | 'apprentice';

export interface AgentOptions {
  readonly seed: number;
  readonly stage: AgentStage;
  readonly exploration: ExplorationLimits;
}

export interface AgentSession {
  /** The answer to a line; null: none is owed. Never throws for what a line says. @param line its number, from 1 */
  handle(bytes: Uint8Array, line: number): AgentAnswer | null;
}

interface Taken {
  readonly workload: Workload;
  readonly offer: Offer;
  readonly features: Features;
  readyAtMs: number | null;
}

/** Decisions whose answer is remembered. A retry comes soon or never; the oldest go. */
const REMEMBERED = 100_000;

export function createAgentSession({ seed, stage, exploration }: AgentOptions): AgentSession {
  const policy = createOnlinePolicy(exploration);
  const answers = new Map<string, { readonly hash: string; readonly answer: AgentAnswer }>();
  const open = new Map<string, Taken>();
  const salt = `agent ${seed}`;
  const counts = { decisions: 0, no_offer: 0, outcomes: 0 };
  let nowMs = Number.NEGATIVE_INFINITY;

  const route = (line: RouteLine): AgentAnswer => {
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
    const candidates = policy.value(workload, eligible, nowMs);
    const probabilities = distribution(workload, candidates);
    const chosen = sampleIndex(probabilities, uniformDraw(salt, id));
    const { offer, features, value } = candidates[chosen] as Valued;
    const answer: AgentAnswer = {
      type: 'decision',
      request_id: requestId,
      decision_id: id,
      provider: providers.get(offer.offer_id) ?? offer.provider,
      offer_id: offer.offer_id,
      propensity: probabilities[chosen] as number,
      mode: stage,
      model_version: null,
      expected_utility: value.expectedUtility,
      probabilities: Object.fromEntries(
        eligible.map((candidate, i) => [candidate.offer_id, probabilities[i] as number]),
      ),
    };
    counts.decisions += 1;
    open.set(id, { workload, offer, features, readyAtMs: null });
    answers.set(id, { hash, answer });
    const oldest = answers.keys().next().value;
    if (answers.size > REMEMBERED && oldest !== undefined) answers.delete(oldest);
    return answer;
  };

  const distribution = (workload: Workload, candidates: readonly Valued[]): number[] => {
    if (stage === 'online') return policy.distribution(workload, candidates);
    const scores = candidates.map(({ offer }) => classicScore(workload.weights, offer));
    return epsilonSoftened(scores, workload.priority === 'critical' ? 0 : EXPLORATION_EPSILON);
  };

  const outcome = (line: OutcomeLine): void => {
    const taken = open.get(line.decision_id);
    if (taken === undefined) {
      if (answers.has(line.decision_id)) return;
      throw new RejectedError('not_found', `decision ${line.decision_id}: not made here`);
    }
    counts.outcomes += 1;
    const facts = factsOf(line, taken, nowMs);
    const seen = {
      key: line.decision_id,
      features: taken.features,
      runHours: taken.workload.gpu_hours / taken.workload.gpu_count,
      atMs: nowMs,
      logLatencyRatio: facts.logLatencyRatio,
      logReadyMs: facts.logReadyMs,
    };
    if (line.status === 'ready') {
      taken.readyAtMs ??= nowMs;
      policy.ready(seen);
    } else {
      open.delete(line.decision_id);
      if (teaches(line)) policy.final({ ...seen, ...facts });
      else policy.drop(line.decision_id, nowMs);
    }
  };

  return {
    handle(bytes, line) {
      try {
        const read = parseAgentLine(bytes);
        if (read.type === 'flush')
          return {
            type: 'state',
            ...counts,
            stage,
            model_version: null,
            open: open.size,
            observations: policy.learner.observations(),
            refits: policy.refits(),
          };
        // Lines come in order; one that does not is taken as of the latest instant seen.
        nowMs = Math.max(nowMs, Date.parse(read.at));
        if (read.type === 'route') return route(read);
        outcome(read);
        return null;
      } catch (error) {
        if (!(error instanceof AuroraError)) throw error;
        return { type: 'error', line, code: error.code, message: error.message };
      }
    },
  };
}
