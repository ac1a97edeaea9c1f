/** What lies under the key: orders that wait for their lease, and leases, which the market remembers. */
import { AuroraError } from '#shared/errors.ts';
import type { Market } from '../../market/market.ts';
import type { Doors } from '../kit/doors.ts';
import type { Bill } from '../kit/fake-server.ts';
import { createHoldings, jsonText } from '../kit/holdings.ts';
import { createOrders, type Order, type PlacedBid } from './orders.ts';
import { costOf, dseqOf, type HeldAtAkash, leasedAt, note } from './seen.ts';

export interface Deployments {
  add(order: Parameters<ReturnType<typeof createOrders>['add']>[0]): Order;
  /** Null: unknown, or leased. */
  order(dseq: string): Order | null;
  leased(dseq: string): boolean;
  /** Null: taken by somebody else meanwhile. */
  lease(order: Order, bid: PlacedBid, nowMs: number, closes: { at_ms: number; reason: number } | null): string | null;
  /** Its provider has got the manifest. */
  deliver(dseq: string): void;
  /** Oldest first. */
  open(): readonly string[];
  /** As the API shows it, of the detail or of the list; null: unknown. */
  shown(dseq: string, nowMs: number, where: 'detail' | 'list'): Readonly<Record<string, unknown>> | null;
  close(dseq: string, nowMs: number): 'closed' | 'closed before' | 'unknown';
  bills(nowMs: number): readonly Bill[];
}

/** Closed ones of which a look still finds something. */
const MAX_PAST = 1_000;
const TENANT = 'akash1tenant';
const wholeNote = jsonText.pipe(note);

export function createDeployments(market: Market, doors: Doors, keepsSdl: boolean): Deployments {
  const holdings = createHoldings(market, 'akash', dseqOf, note);
  const orders = createOrders();
  /** dseq -> instance of the market. */
  const past = new Map<string, string>();

  function closedOne(dseq: string): HeldAtAkash | null {
    const instance = market.instance(past.get(dseq) ?? '');
    const parsed = instance === null ? null : wholeNote.safeParse(instance.note);
    return instance === null || parsed?.success !== true ? null : { nativeId: dseq, instance, note: parsed.data };
  }

  function remember(dseq: string, instanceId: string): void {
    past.set(dseq, instanceId);
    const [oldest] = past.keys();
    if (past.size > MAX_PAST && oldest !== undefined) past.delete(oldest);
  }

  return {
    add: orders.add,
    order: orders.get,
    leased: (dseq) => holdings.get(dseq) !== null,
    lease(order, bid, nowMs, closes) {
      const { dseq, ordered, deposit_usd, gpu_hours } = order;
      try {
        holdings.order({
          offerId: bid.offer.offer_id,
          label: ordered.label,
          gpu_count: ordered.gpus,
          gpu_hours,
          workload_type: ordered.env['AURORA_WORKLOAD_TYPE'] ?? 'general',
          nowMs,
          note: {
            dseq,
            label: ordered.label,
            owner: bid.owner,
            sdl: keepsSdl ? order.sdl : null,
            as: ordered.as,
            deposit_usd,
            delivered: false,
            closes,
          },
        });
      } catch (error) {
        if (!(error instanceof AuroraError)) throw error;
        return null;
      }
      orders.leased(dseq);
      return dseq;
    },
    deliver(dseq) {
      const held = holdings.get(dseq);
      if (held !== null) market.note(held.instance.instance_id, JSON.stringify({ ...held.note, delivered: true }));
    },
    open() {
      const all = [...orders.open().map(({ dseq }) => dseq), ...holdings.all().map(({ nativeId }) => nativeId)];
      return all.sort((a, b) => Number(a) - Number(b));
    },
    shown(dseq, nowMs, where) {
      const held = holdings.get(dseq) ?? closedOne(dseq);
      const order = orders.get(dseq);
      if (held === null && order === null) return null;
      const open = held === null ? order?.closed === false : held.instance.released_ms === null;
      const sdl = held === null ? order?.sdl : held.note.sdl;
      return {
        deployment: {
          id: { owner: TENANT, dseq },
          state: open ? 'active' : 'closed',
          hash: 'aGFzaA==',
          created_at: '1',
        },
        leases: held === null ? [] : [leasedAt(held, nowMs, where === 'detail' ? doors : null)],
        escrow_account: { id: { scope: 'deployment', xid: dseq } },
        ...(where === 'detail' && keepsSdl ? { consoleSettings: { sdl, manifestVersion: 'djE=' } } : {}),
      };
    },
    close(dseq, nowMs) {
      const held = holdings.get(dseq);
      const order = orders.get(dseq);
      if (held !== null) {
        remember(dseq, held.instance.instance_id);
        holdings.release(dseq, nowMs);
        return 'closed';
      }
      if (order === null) return past.has(dseq) ? 'closed before' : 'unknown';
      if (order.closed) return 'closed before';
      order.closed = true;
      return 'closed';
    },
    bills: (nowMs) => [
      ...holdings.ever().map((held) => ({
        native_id: held.nativeId,
        label: held.note.label,
        usd: costOf(held, nowMs),
        created_ms: held.instance.created_ms,
        ended_ms: held.instance.released_ms,
      })),
      // Open and without a lease: nothing is charged, and its deposit lies there.
      ...orders.open().map(({ dseq, ordered: { label }, created_ms }) => ({
        native_id: dseq,
        label,
        usd: 0,
        created_ms,
        ended_ms: null,
      })),
    ],
  };
}
