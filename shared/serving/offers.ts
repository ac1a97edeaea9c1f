import { OFFERS_STALE_LIMIT_MS, POLL_INTERVAL_MS } from '#shared/defaults.ts';
import { describeIssues } from '#shared/domain/events/codec.ts';
import { type OffersSnapshot, offersSnapshot } from '#shared/domain/offer.ts';
import { RejectedError } from '#shared/errors.ts';
import type { Log } from '#shared/ports/log.ts';
import type { Objects } from '#shared/ports/objects.ts';
import { indexOffers, type OfferIndex } from '#shared/rules/eligibility.ts';
import { type PolledObject, polledObject } from './polled-object.ts';

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

/** Young enough to act on. In a fast world three polls may take longer than the limit, and are allowed. */
export function offersAreFresh(offers: IndexedOffers, nowMs: number, speed: number): boolean {
  return nowMs - offers.observedAtMs <= Math.max(OFFERS_STALE_LIMIT_MS, 3 * POLL_INTERVAL_MS * speed);
}
