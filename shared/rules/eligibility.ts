import { MAX_CANDIDATES, MAX_EXCLUDED_LISTED } from '#shared/defaults.ts';
import type { Exclusion } from '#shared/domain/decision.ts';
import type { Offer } from '#shared/domain/offer.ts';
import type { Workload } from '#shared/domain/request.ts';
import { bestOf } from './best-of.ts';
import { classicScore } from './classic-score.ts';
import { indexOffers, isIndexed, type OfferIndex, regionFits } from './offer-index.ts';
import { isAdmitted, NO_RESTRICTIONS, type Restrictions, refusals } from './restrictions.ts';
import { type Shortfall, shortfalls, totalGap, withinLimits } from './shortfall.ts';

export { indexOffers, type OfferIndex } from './offer-index.ts';

/**
 * The hard filter: active, region equal or either global, GPU type, GPU count, latency, price, reputation, capacity; then what is
 * restricted whatever the request says. In: a canonical request and the offers (a list, or an index built once per snapshot). Out: the candidates, best rule score
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

export function eligibleOffers(
  workload: Workload,
  offers: readonly Offer[] | OfferIndex,
  restrictions: Restrictions = NO_RESTRICTIONS,
): Eligibility {
  const index = isIndexed(offers) ? offers : indexOffers({ offers });
  // One list: its tail beyond MAX_CANDIDATES is what the candidate limit left out, nearest first.
  const fitting = bestOf<Ranked>(MAX_CANDIDATES + MAX_EXCLUDED_LISTED, higherFirst);
  const missing = bestOf<Ranked>(MAX_EXCLUDED_LISTED, lowerFirst);
  const restricted = keptOut((ranked) => missing.offer(ranked));
  for (const [region, bucket] of index.byGpu.get(workload.gpu_type) ?? []) {
    if (!regionFits(workload.region, region)) continue;
    for (const offer of bucket) {
      if (!withinLimits(workload, offer)) missing.offer({ offer, value: totalGap(workload, offer) });
      else {
        const ranked = { offer, value: classicScore(workload.weights, offer) };
        if (isAdmitted(restrictions, workload, offer)) fitting.offer(ranked);
        else restricted.offer(ranked);
      }
    }
  }
  const kept = fitting.items.slice(0, MAX_CANDIDATES);
  const eligible = kept.map((ranked) => ranked.offer);
  // Most offers elsewhere miss nothing else: asking that first halves the time of a listing.
  const why = (offer: Offer, ...first: readonly Shortfall[]): Exclusion =>
    exclude(offer, [
      ...first,
      ...(withinLimits(workload, offer) ? [] : shortfalls(workload, offer)),
      ...refusals(restrictions, workload, offer),
    ]);
  const excluded = [
    ...restricted.best().map(({ offer }) => why(offer)),
    ...overLimit(fitting.items.slice(MAX_CANDIDATES), kept.at(-1)?.value ?? 0),
    ...missing.items.map(({ offer }) => why(offer)),
  ].slice(0, MAX_EXCLUDED_LISTED);
  for (const exclusion of elsewhere(workload, index, why)) {
    if (excluded.length >= MAX_EXCLUDED_LISTED) break;
    excluded.push(exclusion);
  }
  return { eligible, excluded, excludedTotal: index.total - eligible.length };
}

const overLimit = (left: readonly Ranked[], lowestKept: number): Exclusion[] =>
  left.map(({ offer }) => exclude(offer, [{ reason: 'candidate_limit', needed: `rule_score > ${lowestKept}` }]));

/** Of what fits and is restricted, the best of each provider goes first: that a provider is missing must show, however many offers another has. */
function keptOut(others: (ranked: Ranked) => void) {
  const best = new Map<string, Ranked>();
  return {
    offer(ranked: Ranked): void {
      const { provider } = ranked.offer;
      const before = best.get(provider);
      const better = before === undefined || higherFirst(ranked, before) < 0;
      const left = better ? before : ranked;
      if (better) best.set(provider, ranked);
      if (left !== undefined) others({ offer: left.offer, value: 0 });
    },
    best: (): readonly Ranked[] => [...best.values()].sort(higherFirst),
  };
}

/** Offers of the right GPU type elsewhere, then of other GPU types, where the tenant is first. Lazy: only as many as are listed are looked at. */
function* elsewhere(workload: Workload, index: OfferIndex, why: Why): Generator<Exclusion> {
  for (const [region, bucket] of index.byGpu.get(workload.gpu_type) ?? []) {
    if (regionFits(workload.region, region)) continue;
    const first: Shortfall = { reason: 'region', needed: `region = ${region}` };
    for (const offer of bucket) yield why(offer, first);
  }
  for (const here of [true, false]) {
    for (const [gpuType, regions] of index.byGpu) {
      if (gpuType === workload.gpu_type) continue;
      for (const [region, bucket] of regions) {
        if (regionFits(workload.region, region) !== here) continue;
        const needed = here ? `gpu_type = ${gpuType}` : `gpu_type = ${gpuType} and region = ${region}`;
        for (const offer of bucket) yield why(offer, { reason: 'gpu_type', needed });
      }
    }
  }
}

type Why = (offer: Offer, first: Shortfall) => Exclusion;

const exclude = ({ provider, offer_id }: Offer, missed: readonly Shortfall[]): Exclusion => ({
  provider,
  offer_id,
  reason: missed[0]?.reason ?? 'inactive',
  needed: missed.map(({ needed }) => needed).join(' and '),
});
