import type { Market } from '#sim/market/market.ts';
import { HEARS_NOTHING, type Policy } from './policy.ts';

/** Knows the truth of every offer at that load and hour, and takes the best at once: greedy in its own state. */
export const oraclePolicy = (market: Market): Policy => ({
  ...HEARS_NOTHING,
  distribution({ workload, offers, nowMs }) {
    const ids = offers.map((offer) => offer.offer_id);
    const best = market.oracle(workload, nowMs, ids)?.offer_id;
    return ids.map((id) => (id === best ? 1 : 0));
  },
});
