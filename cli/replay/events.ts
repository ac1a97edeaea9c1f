/** A recorded line as the events that it would have been: a decision, and for an accepted one its outcome. Pure. */
import { MAX_CANDIDATES, MS_PER_HOUR } from '#shared/defaults.ts';
import { canonicalGpu, canonicalProvider, canonicalRegion, canonicalWorkload } from '#shared/domain/aliases.ts';
import type { Candidate, Decision } from '#shared/domain/decision.ts';
import { decisionId, sha256Hex } from '#shared/domain/ids.ts';
import type { Offer } from '#shared/domain/offer.ts';
import type { Outcome } from '#shared/domain/outcome.ts';
import { rfc3339, timestamp } from '#shared/domain/primitives.ts';
import { DEFAULT_WEIGHTS, type Workload } from '#shared/domain/request.ts';
import { RejectedError } from '#shared/errors.ts';
import { candidateFeatures } from '#shared/learning/features.ts';
import { classicScore } from '#shared/rules/classic-score.ts';
import { eligibleOffers } from '#shared/rules/eligibility.ts';
import type { RecordedTenant, RecordLine } from './record.ts';

export interface ReplayContext {
  readonly startMs: number;
  readonly tenants: ReadonlyMap<string, RecordedTenant>;
  readonly offersAt: (step: number, atMs: number) => readonly Offer[];
}

export interface ReplayedEvents {
  readonly decision: Decision;
  readonly outcome: Outcome | null;
}

/**
 * Where a record may begin. Queries look at days from 1970 on. The largest step and run of a line reach twelve centuries further,
 * so that none ends after the year 9999, which neither engine knows.
 */
const FIRST_START = '1970-01-01T00:00:00.000Z';
const LAST_START = '2999-12-31T23:59:59.999Z';

/** Epoch milliseconds; a bare date is its midnight in UTC. @throws RejectedError usage, quoting what came */
export function startOf(text: string): number {
  const parsed = timestamp.safeParse(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text);
  if (parsed.success && parsed.data >= FIRST_START && parsed.data <= LAST_START) return Date.parse(parsed.data);
  throw new RejectedError(
    'usage',
    `--start takes a date or an RFC 3339 instant of the years 1970 to 2999, such as 2026-03-01 or 2026-03-01T00:00:00Z, got ${JSON.stringify(text)}`,
  );
}

export function replayedEvents(line: RecordLine, context: ReplayContext): ReplayedEvents {
  const { row } = line;
  const decidedMs = context.startMs + row.step * MS_PER_HOUR;
  const workload = workloadOf(line, context.tenants.get(row.tenant_id));
  // Its instant is part of what a decision is: with another --start it is another record, not this one again.
  const requestId = `recorded-${sha256Hex(JSON.stringify([decidedMs, line.text])).slice(0, 16)}-${line.occurrence}`;
  const known = context.offersAt(row.step, decidedMs);
  const { eligible, excluded, excludedTotal } = eligibleOffers(workload, known);
  const chosen = row.provider_id === null || !row.accepted ? null : chosenOffer(line, known, workload, decidedMs);
  const offers =
    chosen === null || eligible.some((offer) => offer.offer_id === chosen.offer_id)
      ? eligible
      : [chosen, ...eligible].slice(0, MAX_CANDIDATES);
  const decision: Decision = {
    decision_id: decisionId(workload.tenant_id, requestId),
    request_id: requestId,
    decided_at: rfc3339(decidedMs),
    tenant_id: workload.tenant_id,
    request: workload,
    offers_generation: null,
    candidates: offers.map((offer) => candidateOf(offer, workload, decidedMs, offer.offer_id === chosen?.offer_id)),
    excluded,
    excluded_total: excludedTotal,
    recommended_offer_id: null,
    final_provider: chosen?.provider ?? null,
    final_offer_id: chosen?.offer_id ?? null,
    mode: 'recorded',
    arm: null,
    overridden_by: null,
    // Unknown: the recorded router did not log it, so nothing off-policy can be said of these rows.
    propensity: null,
    salt_id: 'none',
    policy: { kind: 'recorded', epsilon: 0 },
    model_version: null,
    statistics_generation: null,
    model_age_s: null,
    offers_age_s: 0,
    score_ms: null,
    decide_ms: 0,
    fallback_reason: chosen === null ? row.reason || 'not accepted' : null,
  };
  return { decision, outcome: chosen === null ? null : outcomeOf(line, decision, chosen, decidedMs) };
}

function workloadOf({ row }: RecordLine, tenant: RecordedTenant | undefined): Workload {
  return {
    tenant_id: row.tenant_id,
    workload_type: canonicalWorkload(row.workload_type),
    gpu_type: canonicalGpu(row.gpu_type),
    region: canonicalRegion(tenant?.region ?? 'global'),
    gpu_hours: row.gpu_hours,
    gpu_count: 1,
    max_price: null,
    max_latency_ms: tenant?.max_latency_ms ?? null,
    min_reputation: tenant?.min_reputation ?? null,
    weights: tenant?.weights ?? DEFAULT_WEIGHTS,
    priority: 'normal',
    image: null,
    port: null,
  };
}

/** The offer that was taken: as the market had it, or, where it is not known, as the line itself says. */
function chosenOffer({ row }: RecordLine, known: readonly Offer[], workload: Workload, decidedMs: number): Offer {
  const provider = canonicalProvider(row.provider_id ?? '');
  const found = known.find((offer) => offer.provider === provider && offer.gpu_type === workload.gpu_type);
  return (
    found ?? {
      provider,
      offer_id: `${provider}:${workload.gpu_type}`,
      gpu_type: workload.gpu_type,
      gpu_count: 1,
      gpu_count_min: null,
      region: 'global',
      active: true,
      usd_per_gpu_hour: row.price_usd_per_hour ?? 0,
      latency_ms: row.latency_ms,
      latency_source: 'measured',
      reputation: null,
      reputation_source: 'imputed',
      capacity_gpu_hours: null,
      capacity_total_gpu_hours: null,
      observed_at: rfc3339(decidedMs),
    }
  );
}

function candidateOf(offer: Offer, workload: Workload, decidedMs: number, taken: boolean): Candidate {
  return {
    provider: offer.provider,
    offer_id: offer.offer_id,
    usd_per_gpu_hour: offer.usd_per_gpu_hour,
    latency_ms: offer.latency_ms,
    rule_score: classicScore(workload.weights, offer),
    probability: taken ? 1 : 0,
    expected_utility: null,
    utility_variance: null,
    lead_variance: null,
    predicted: null,
    features: candidateFeatures(workload, offer, decidedMs),
    dropped: false,
  };
}

function outcomeOf({ row }: RecordLine, decision: Decision, offer: Offer, decidedMs: number): Outcome {
  const price = row.price_usd_per_hour ?? offer.usd_per_gpu_hour;
  return {
    decision_id: decision.decision_id,
    attempt: 0,
    sequence: 1,
    provider: offer.provider,
    offer_id: offer.offer_id,
    observed_at: rfc3339(decidedMs + row.gpu_hours * MS_PER_HOUR),
    status: 'completed',
    final: true,
    blame: null,
    ready_ms: null,
    ready_within_ms: null,
    latency_ms: row.latency_ms,
    exposure_hours: row.gpu_hours,
    useful_gpu_hours: row.gpu_hours,
    billed_gpu_hours: row.gpu_hours,
    cost_usd: price * row.gpu_hours,
    effective_usd_per_gpu_hour: price,
    decided_at: decision.decided_at,
    tenant_id: decision.tenant_id,
    request: decision.request,
    advertised_usd_per_gpu_hour: offer.usd_per_gpu_hour,
    advertised_latency_ms: offer.latency_ms,
    features: candidateFeatures(decision.request, offer, decidedMs),
    mode: decision.mode,
    propensity: null,
  };
}
