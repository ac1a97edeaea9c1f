import { describeIssues } from '#shared/domain/events/codec.ts';
import { type Offer, type OffersSnapshot, offer } from '#shared/domain/offer.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';

/** What one provider answered: its offers, or why not. */
export interface Polled {
  readonly provider: string;
  readonly offers: readonly Offer[] | null;
  readonly error: { readonly code: string; readonly message: string } | null;
  /** Host milliseconds that the answer took; null: there was none. */
  readonly answeredMs: number | null;
}

export interface Collected {
  readonly snapshot: OffersSnapshot;
  /** Offers that are new or differ in more than their instant. */
  readonly changed: readonly Offer[];
  /** The answers, as far as they are any: a list of which nothing is left is none. */
  readonly answers: readonly Polled[];
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
  const { answers, refused } = admitted(polled);
  const failing = new Set(answers.filter((answer) => answer.offers === null).map((answer) => answer.provider));
  const kept = (previous?.offers ?? []).filter(
    (known) => failing.has(known.provider) && nowMs - Date.parse(known.observed_at) <= staleLimitMs,
  );
  const fresh = answers.flatMap((answer) => answer.offers ?? []);
  return {
    snapshot: { observed_at: rfc3339(nowMs), offers: [...kept, ...fresh] },
    changed: fresh.filter((offered) => differs(before.get(offered.offer_id), offered)),
    answers,
    refused,
  };
}

/** One bad offer would make the whole snapshot unreadable, so each is checked alone. */
function admitted(polled: readonly Polled[]): Pick<Collected, 'answers' | 'refused'> {
  const refused: Refused[] = [];
  const taken = new Set<string>();
  const answers = polled.map((answer): Polled => {
    const { provider, offers } = answer;
    if (offers === null) return answer;
    const read: Offer[] = [];
    for (const given of offers) {
      const refuse = (reason: string): void =>
        void refused.push({ provider, offer_id: String(given.offer_id).slice(0, 256), reason });
      const parsed = offer.safeParse(given);
      if (!parsed.success) refuse(describeIssues(parsed.error.issues));
      else if (parsed.data.provider !== provider) refuse(`provider: expected ${provider}, got ${parsed.data.provider}`);
      else if (!parsed.data.offer_id.startsWith(`${provider}:`))
        refuse(`offer_id: expected ${provider}:..., which is ${provider}'s alone`);
      else if (taken.has(parsed.data.offer_id)) refuse('offer_id: it was offered twice');
      else {
        taken.add(parsed.data.offer_id);
        read.push(parsed.data);
      }
    }
    return read.length > 0 ? { ...answer, offers: read } : { ...answer, offers: null, error: nothingLeft(offers) };
  });
  return { answers, refused };
}

/** Who sells nothing now lists what is not active: an empty list says that something is wrong, and nothing about capacity. */
const nothingLeft = (offers: readonly Offer[]): Polled['error'] => ({
  code: 'offers_unreadable',
  message:
    offers.length === 0
      ? 'expected offers, active or not; got an empty list'
      : `expected offers, active or not; of ${offers.length} none can be read`,
});

function differs(before: Offer | undefined, after: Offer): boolean {
  if (before === undefined) return true;
  // Capacity moves with every deployment; it is in the snapshot and in each decision, not worth a row a tick.
  const comparable = (offered: Offer): string =>
    JSON.stringify({ ...offered, observed_at: '', capacity_gpu_hours: null });
  return comparable(before) !== comparable(after);
}
