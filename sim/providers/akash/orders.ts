import type { Offer } from '#shared/domain/offer.ts';
import { numberOf } from '../kit/holdings.ts';
import type { Ordered } from './sdl.ts';
import { uactOf } from './seen.ts';
import { type Seller, servedBy } from './sellers.ts';

/** A deployment from its creation to its lease. States: open -> leased | closed. */
export interface Order {
  readonly dseq: string;
  readonly created_ms: number;
  readonly sdl: string;
  readonly ordered: Ordered;
  readonly manifest: string;
  readonly deposit_usd: number;
  readonly gpu_hours: number;
  bids: readonly PlacedBid[];
  closed: boolean;
}

export interface PlacedBid {
  readonly owner: string;
  /** Of the market, from which it is served. */
  readonly offer: Offer;
  readonly denom: string;
  /** Per block, of the whole. */
  readonly amount: number;
  /** World epoch milliseconds: seen from then on, open until then. */
  readonly from_ms: number;
  readonly until_ms: number;
}

export interface Orders {
  get(dseq: string): Order | null;
  /** Neither leased nor closed, oldest first. */
  open(): readonly Order[];
  add(order: Omit<Order, 'dseq' | 'closed' | 'manifest'>): Order;
  /** It has a lease now, which the market remembers. */
  leased(dseq: string): void;
}

/** A block for the order to be known, one or two for the bid; a bid stands for five minutes. World milliseconds. */
const FIRST_BID_MS = 6_000;
const BID_SPREAD_MS = 6_000;
const BID_STANDS_MS = 5 * 60_000;
/** Closed ones that are remembered. */
const MAX_REMEMBERED = 1_000;

/** Who could serve it bids at the price that it lists; what it will charge in the end is the market's secret. */
export function bidsOn(
  ordered: Ordered,
  sellers: readonly Seller[],
  { gpuHours, nowMs, dear, denom }: BidTerms,
): readonly PlacedBid[] {
  return sellers.flatMap((seller) => {
    const offer = servedBy(seller, { ...ordered, gpu_hours: gpuHours });
    if (offer === null) return [];
    const amount = uactOf(offer.usd_per_gpu_hour * ordered.gpus);
    // The chain takes no bid above what the order allows.
    if (amount > ordered.max_uact && !dear) return [];
    const fromMs = nowMs + FIRST_BID_MS + (numberOf('akash bid', ordered.label, seller.owner) % BID_SPREAD_MS);
    const until_ms = fromMs + BID_STANDS_MS;
    return [{ owner: seller.owner, offer, denom, amount: dear ? 10 * amount : amount, from_ms: fromMs, until_ms }];
  });
}

export interface BidTerms {
  readonly gpuHours: number;
  readonly nowMs: number;
  readonly dear: boolean;
  readonly denom: string;
}

/** Orders die with the fake; leases are the market's. */
export function createOrders(): Orders {
  const all = new Map<string, Order>();
  let last = 0;
  return {
    get: (dseq) => all.get(dseq) ?? null,
    open: () => [...all.values()].filter(({ closed }) => !closed),
    add(order) {
      last = Math.max(last + 1, Math.floor(order.created_ms));
      const dseq = String(last);
      const added = { ...order, dseq, manifest: JSON.stringify({ dseq, sdl: order.sdl }), closed: false };
      all.set(dseq, added);
      const [oldest] = [...all.values()].filter(({ closed }) => closed);
      if (all.size > MAX_REMEMBERED && oldest !== undefined) all.delete(oldest.dseq);
      return added;
    },
    leased: (dseq) => void all.delete(dseq),
  };
}
