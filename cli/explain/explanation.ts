/** A decision taken apart: who acted and why, what each candidate was worth, why the others lost, what became of it. Pure. */
import { IMPUTED_LATENCY_MS } from '#shared/defaults.ts';
import { RULES } from '#shared/domain/actor.ts';
import type { Candidate, Decision } from '#shared/domain/decision.ts';
import type { Outcome } from '#shared/domain/outcome.ts';
import { realisedUtility, runResultOf } from '#shared/domain/utility.ts';
import { featureWords } from '#shared/learning/feature-words.ts';
import { FEATURE_SET } from '#shared/learning/features.ts';
import { replayPolicy } from '#shared/learning/policy/replay.ts';
import { type WhyNot, whyNotByModel, whyNotByRules } from '#shared/learning/policy/why-not.ts';

export interface ExplainedCandidate extends Omit<Candidate, 'features'> {
  /** 1 is best by what acted. */
  readonly rank: number;
  readonly chosen: boolean;
  /** What the model looked at, in plain words; null: the row does not hold it, or another build made it. */
  readonly features: readonly string[] | null;
  /** What would have made it first; null: it was, nothing single would have, or it was not eligible any more. */
  readonly why_not: WhyNot | null;
}

export interface ExplainedOutcome {
  readonly attempt: number;
  readonly provider: string;
  readonly offer_id: string;
  readonly observed_at: string;
  readonly status: Outcome['status'];
  readonly final: boolean;
  readonly blame: Outcome['blame'];
  readonly ready_ms: number | null;
  readonly latency_ms: number | null;
  readonly effective_usd_per_gpu_hour: number | null;
  readonly cost_usd: number | null;
  /** Realised; null: not over, or its end says nothing of the offer. */
  readonly utility: number | null;
}

export interface Explanation {
  /** Without its candidates, which stand below. */
  readonly decision: Omit<Decision, 'candidates'>;
  /** `rules`, `linear`, a version, or `recorded`: decided elsewhere. */
  readonly actor: string;
  /** Whether the policy, from the row alone, gives the logged probabilities bit for bit; null: it is not known how they came. */
  readonly replays: boolean | null;
  readonly candidates: readonly ExplainedCandidate[];
  readonly outcomes: readonly ExplainedOutcome[];
}

export function explanationOf({ candidates, ...decision }: Decision, outcomes: readonly Outcome[]): Explanation {
  const actor = actorOf(decision);
  const replayed = replayPolicy({ policy: decision.policy, candidates });
  const whyNot = losers(decision, candidates, actor);
  return {
    decision,
    actor,
    replays: replayed?.every((probability, i) => Object.is(probability, candidates[i]?.probability)) ?? null,
    candidates: candidates.map(({ features, ...candidate }, i) => ({
      ...candidate,
      rank: i + 1,
      chosen: candidate.offer_id === decision.final_offer_id,
      features: features === null ? null : featureWords(features),
      why_not: whyNot(i),
    })),
    outcomes: outcomes.map(explainedOutcome),
  };
}

function actorOf({ mode, arm, model_version: version }: Pick<Decision, 'mode' | 'arm' | 'model_version'>): string {
  switch (mode) {
    case 'recorded':
      return 'recorded';
    case 'switchback':
      return arm ?? RULES;
    case 'online':
      return version ?? RULES;
    case 'rules':
    case 'apprentice':
      return RULES;
    default:
      return mode satisfies never;
  }
}

/** For each place among the candidates: what would have made it the first of those that were eligible. */
function losers(
  { request }: Pick<Decision, 'request'>,
  candidates: readonly Candidate[],
  actor: string,
): (place: number) => WhyNot | null {
  if (actor === 'recorded') return () => null;
  const byRules = actor === RULES;
  const worthOf = ({ dropped, rule_score, expected_utility }: Candidate): number =>
    dropped ? Number.NEGATIVE_INFINITY : byRules ? rule_score : (expected_utility ?? Number.NEGATIVE_INFINITY);
  const worths = candidates.map(worthOf);
  const best = worths.indexOf(Math.max(...worths));
  return (place) => {
    const candidate = candidates[place];
    const toBeat = worths[best];
    if (candidate === undefined || toBeat === undefined || candidate.dropped || place === best) return null;
    if (byRules) return whyNotByRules(request.weights, ruleFigures(candidate), toBeat);
    return candidate.predicted === null ? null : whyNotByModel(request, candidate.predicted, toBeat);
  };
}

/** Reputation and capacity stand in the features only; those of another build are left out. */
function ruleFigures({ rule_score: score, usd_per_gpu_hour: price, latency_ms: latency, features }: Candidate) {
  const own = features !== null && features.set === FEATURE_SET.set && features.hash === FEATURE_SET.hash;
  const figure = (name: string): number | null =>
    own ? (features.numeric[FEATURE_SET.numeric.indexOf(name)] ?? null) : null;
  return {
    score,
    price,
    latency: latency ?? IMPUTED_LATENCY_MS,
    reputation: figure('reputation'),
    availability: figure('capacity_share'),
  };
}

function explainedOutcome(outcome: Outcome): ExplainedOutcome {
  const run = runResultOf(outcome);
  const { attempt, provider, offer_id, observed_at, status, final, blame } = outcome;
  const { ready_ms, latency_ms, effective_usd_per_gpu_hour, cost_usd } = outcome;
  return {
    attempt,
    provider,
    offer_id,
    observed_at,
    status,
    final,
    blame,
    ready_ms,
    latency_ms,
    effective_usd_per_gpu_hour,
    cost_usd,
    utility: run === null ? null : realisedUtility(outcome.request, run),
  };
}
