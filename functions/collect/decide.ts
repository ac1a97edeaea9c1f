import type { Offer, OffersSnapshot } from '#shared/domain/offer.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';

/** What one provider answered: its offers, or why not. */
export interface Polled {
  readonly provider: string;
  readonly offers: readonly Offer[] | null;
  readonly error: string | null;
}

export interface Collected {
  readonly snapshot: OffersSnapshot;
  /** Offers that are new or differ in more than their instant. */
  readonly changed: readonly Offer[];
  readonly failed: readonly Polled[];
}

/** New snapshot from the last one and the answers. Offers of a provider that failed stay, with the instant they were seen. */
export function mergeOffers(previous: OffersSnapshot | null, polled: readonly Polled[], nowMs: number): Collected {
  const before = new Map((previous?.offers ?? []).map((offer) => [offer.offer_id, offer]));
  const failed = polled.filter((answer) => answer.offers === null);
  const kept = (previous?.offers ?? []).filter((offer) => failed.some((answer) => answer.provider === offer.provider));
  const fresh = polled.flatMap((answer) => answer.offers ?? []);
  return {
    snapshot: { observed_at: rfc3339(nowMs), offers: [...kept, ...fresh] },
    changed: fresh.filter((offer) => differs(before.get(offer.offer_id), offer)),
    failed,
  };
}

function differs(before: Offer | undefined, after: Offer): boolean {
  if (before === undefined) return true;
  // Capacity moves with every deployment; it is in the snapshot and in each decision, not worth a row a tick.
  const comparable = (offer: Offer): string => JSON.stringify({ ...offer, observed_at: '', capacity_gpu_hours: null });
  return comparable(before) !== comparable(after);
}
