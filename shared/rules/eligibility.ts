import { MAX_CANDIDATES, MAX_EXCLUDED_LISTED } from '#shared/defaults.ts';
import type { Exclusion } from '#shared/domain/decision.ts';
import type { Offer } from '#shared/domain/offer.ts';
import type { Workload } from '#shared/domain/request.ts';
import { bestOf } from './best-of.ts';
import { classicScore } from './classic-score.ts';
import { indexOffers, isIndexed, type OfferIndex, regionFits } from './offer-index.ts';
import { shortfalls, totalGap, withinLimits } from './shortfall.ts';

export { indexOffers, type OfferIndex } from './offer-index.ts';

/**
 * The hard filter: active, region equal or either global, GPU type, GPU count, latency, price, reputation, capacity.
 * In: a canonical request and the offers (a list, or an index built once per snapshot). Out: the candidates, best rule score
 * first (ties by offer_id, so the order of arrival does not matter), and why the nearest others are not among them.
 */
export interface Eligibility {
  /** At most MAX_CANDIDATES. */
  readonly eligible: readonly Offer[];
  /** At most MAX_EXCLUDED_LISTED: nearest misses first, then the GPU type elsewhere, then other GPU types, where the tenant is before elsewhere. */
  readonly excluded: Exclusion[];
  readonly excludedTotal: number;
}

interface Ranked {
  readonly offer: Offer;
  /** Rule score of an eligible offer, gap of another. */
  readonly value: number;
}

const byId = (a: Ranked, b: Ranked): number =>
  a.offer.offer_id < b.offer.offer_id ? -1 : a.offer.offer_id > b.offer.offer_id ? 1 : 0;
const higherFirst = (a: Ranked, b: Ranked): number => (a.value === b.value ? byId(a, b) : b.value - a.value);
const lowerFirst = (a: Ranked, b: Ranked): number => (a.value === b.value ? byId(a, b) : a.value < b.value ? -1 : 1);

export function eligibleOffers(workload: Workload, offers: readonly Offer[] | OfferIndex): Eligibility {
  const index = isIndexed(offers) ? offers : indexOffers({ offers });
  // One list: its tail beyond MAX_CANDIDATES is what the candidate limit left out, nearest first.
  const fitting = bestOf<Ranked>(MAX_CANDIDATES + MAX_EXCLUDED_LISTED, higherFirst);
  const missing = bestOf<Ranked>(MAX_EXCLUDED_LISTED, lowerFirst);
  for (const [region, bucket] of index.byGpu.get(workload.gpu_type) ?? []) {
    if (!regionFits(workload.region, region)) continue;
    for (const offer of bucket) {
      if (withinLimits(workload, offer)) fitting.offer({ offer, value: classicScore(workload.weights, offer) });
      else missing.offer({ offer, value: totalGap(workload, offer) });
    }
  }
  const kept = fitting.items.slice(0, MAX_CANDIDATES);
  const eligible = kept.map((ranked) => ranked.offer);
  const excluded = [
    ...overLimit(fitting.items.slice(MAX_CANDIDATES), kept.at(-1)?.value ?? 0),
    ...missing.items.map(({ offer }) => missedLimits(workload, offer)),
  ].slice(0, MAX_EXCLUDED_LISTED);
  for (const exclusion of elsewhere(workload, index)) {
    if (excluded.length >= MAX_EXCLUDED_LISTED) break;
    excluded.push(exclusion);
  }
  return { eligible, excluded, excludedTotal: index.total - eligible.length };
}

const overLimit = (left: readonly Ranked[], lowestKept: number): Exclusion[] =>
  left.map(({ offer }) => exclude(offer, 'candidate_limit', `rule_score > ${lowestKept}`));

function missedLimits(workload: Workload, offer: Offer): Exclusion {
  const missed = shortfalls(workload, offer);
  return exclude(offer, missed[0]?.reason ?? 'inactive', missed.map((shortfall) => shortfall.needed).join(' and '));
}

/** Offers of the right GPU type elsewhere, then of other GPU types, where the tenant is first. Lazy: only as many as are listed are looked at. */
function* elsewhere(workload: Workload, index: OfferIndex): Generator<Exclusion> {
  for (const [region, bucket] of index.byGpu.get(workload.gpu_type) ?? []) {
    if (regionFits(workload.region, region)) continue;
    const needed = `region = ${region}`;
    for (const offer of bucket) yield exclude(offer, 'region', changes(workload, offer, needed));
  }
  for (const here of [true, false]) {
    for (const [gpuType, regions] of index.byGpu) {
      if (gpuType === workload.gpu_type) continue;
      for (const [region, bucket] of regions) {
        if (regionFits(workload.region, region) !== here) continue;
        const needed = here ? `gpu_type = ${gpuType}` : `gpu_type = ${gpuType} and region = ${region}`;
        for (const offer of bucket) yield exclude(offer, 'gpu_type', changes(workload, offer, needed));
      }
    }
  }
}

/** Most offers elsewhere miss nothing else: asking that first halves the time of a listing. */
const changes = (workload: Workload, offer: Offer, first: string): string =>
  withinLimits(workload, offer)
    ? first
    : [first, ...shortfalls(workload, offer).map((shortfall) => shortfall.needed)].join(' and ');

const exclude = (offer: Offer, reason: Exclusion['reason'], needed: string): Exclusion => ({
  provider: offer.provider,
  offer_id: offer.offer_id,
  reason,
  needed,
});
