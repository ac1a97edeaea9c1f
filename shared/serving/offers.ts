import { OFFERS_STALE_LIMIT_MS, POLL_INTERVAL_MS } from '#shared/defaults.ts';
import { describeIssues } from '#shared/domain/events/codec.ts';
import { type OffersSnapshot, offersSnapshot } from '#shared/domain/offer.ts';
import { RejectedError, TransientError } from '#shared/errors.ts';
import type { Log } from '#shared/ports/log.ts';
import type { Objects } from '#shared/ports/objects.ts';
import { indexOffers, type OfferIndex } from '#shared/rules/eligibility.ts';
import { type Polled, type PolledObject, polledObject } from './polled-object.ts';

/** `offers/current.json`: written by collect, polled by score and route. */
export const OFFERS_OBJECT = 'offers/current.json';

export interface IndexedOffers {
  readonly snapshot: OffersSnapshot;
  readonly index: OfferIndex;
  /** World epoch milliseconds. */
  readonly observedAtMs: number;
}

/** @throws RejectedError body_not_json, body_invalid */
export function parseOffersSnapshot(bytes: Uint8Array): OffersSnapshot {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new RejectedError('body_not_json', `${OFFERS_OBJECT} is not JSON: ${String(error)}`, { cause: error });
  }
  const parsed = offersSnapshot.safeParse(json);
  if (!parsed.success)
    throw new RejectedError('body_invalid', `${OFFERS_OBJECT}: ${describeIssues(parsed.error.issues)}`);
  return parsed.data;
}

export function polledOffers(objects: Objects, log: Log): PolledObject<IndexedOffers> {
  return polledObject({
    name: OFFERS_OBJECT,
    objects,
    log,
    parse: (bytes) => {
      const snapshot = parseOffersSnapshot(bytes);
      return { snapshot, index: indexOffers(snapshot), observedAtMs: Date.parse(snapshot.observed_at) };
    },
  });
}

/** World milliseconds past which offers are too old to act on. In a fast world three polls may take longer, and are allowed. */
export const offersStaleLimitMs = (speed: number): number =>
  Math.max(OFFERS_STALE_LIMIT_MS, 3 * POLL_INTERVAL_MS * speed);

/** The offers to act on. @throws TransientError offers_unavailable (none yet, or too old) */
export function freshOffers(
  current: Polled<IndexedOffers> | null,
  nowMs: number,
  speed: number,
): Polled<IndexedOffers> {
  if (current === null) throw new TransientError('offers_unavailable', 'no offers have been collected yet');
  const limitMs = offersStaleLimitMs(speed);
  if (nowMs - current.value.observedAtMs <= limitMs) return current;
  throw new TransientError(
    'offers_unavailable',
    `the offers are from ${current.value.snapshot.observed_at}, past the limit of ${limitMs / 1000} s`,
  );
}
