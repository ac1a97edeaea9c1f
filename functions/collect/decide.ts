import { describeIssues } from '#shared/domain/events/codec.ts';
import { type Offer, type OffersSnapshot, offer } from '#shared/domain/offer.ts';
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
  /** What was answered but is no offer of that provider. */
  readonly refused: readonly Refused[];
}

export interface Refused {
  readonly provider: string;
  readonly offer_id: string;
  readonly reason: string;
}

export interface CollectInput {
  readonly previous: OffersSnapshot | null;
  readonly polled: readonly Polled[];
  readonly nowMs: number;
  /** Offers of a failing provider are dropped past it, world milliseconds: nobody may act on what nobody confirms. */
  readonly staleLimitMs: number;
}

/** New snapshot from the last one and the answers. Offers of a provider that failed stay, with the instant they were seen. */
export function mergeOffers({ previous, polled, nowMs, staleLimitMs }: CollectInput): Collected {
  const before = new Map((previous?.offers ?? []).map((known) => [known.offer_id, known]));
  const failed = polled.filter((answer) => answer.offers === null);
  const failing = new Set(failed.map((answer) => answer.provider));
  const kept = (previous?.offers ?? []).filter(
    (known) => failing.has(known.provider) && nowMs - Date.parse(known.observed_at) <= staleLimitMs,
  );
  const { fresh, refused } = admitted(polled, new Set(kept.map((known) => known.offer_id)));
  return {
    snapshot: { observed_at: rfc3339(nowMs), offers: [...kept, ...fresh] },
    changed: fresh.filter((offered) => differs(before.get(offered.offer_id), offered)),
    failed,
    refused,
  };
}

/** One bad offer would make the whole snapshot unreadable, so each is checked alone. */
function admitted(polled: readonly Polled[], taken: Set<string>): { fresh: Offer[]; refused: Refused[] } {
  const fresh: Offer[] = [];
  const refused: Refused[] = [];
  for (const { provider, offers } of polled) {
    for (const given of offers ?? []) {
      const refuse = (reason: string): void =>
        void refused.push({ provider, offer_id: String(given.offer_id).slice(0, 256), reason });
      const parsed = offer.safeParse(given);
      if (!parsed.success) refuse(describeIssues(parsed.error.issues));
      else if (parsed.data.provider !== provider) refuse(`provider: expected ${provider}, got ${parsed.data.provider}`);
      else if (taken.has(parsed.data.offer_id)) refuse('offer_id: it was offered twice');
      else {
        taken.add(parsed.data.offer_id);
        fresh.push(parsed.data);
      }
    }
  }
  return { fresh, refused };
}

function differs(before: Offer | undefined, after: Offer): boolean {
  if (before === undefined) return true;
  // Capacity moves with every deployment; it is in the snapshot and in each decision, not worth a row a tick.
  const comparable = (offered: Offer): string =>
    JSON.stringify({ ...offered, observed_at: '', capacity_gpu_hours: null });
  return comparable(before) !== comparable(after);
}
