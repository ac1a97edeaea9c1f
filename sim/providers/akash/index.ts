/** Akash's Console API as far as the adapter may use it, over the market: vendor's facts, faults by name, bills. */
import { z } from 'zod';
import { AuroraError } from '#shared/errors.ts';
import type { Market } from '../../market/market.ts';
import type { FakeRequest, Reply, Route } from '../kit/api.ts';
import { createDoors } from '../kit/doors.ts';
import { type FakeProvider, type FakeServerOptions, startFake } from '../kit/fake-server.ts';
import { createHoldings } from '../kit/holdings.ts';
import { AKASH_FAULTS, bidNotOpen, refusal } from './faults.ts';
import { bidsOn, createOrders, type Order, type PlacedBid } from './orders.ts';
import { type Ordered, orderedIn } from './sdl.ts';
import { costOf, decimal, dseqOf, type HeldAtAkash, leasedAt, note, REASON } from './seen.ts';
import { listed, pricesOf, sellersOf } from './sellers.ts';

export interface FakeAkashOptions extends FakeServerOptions {
  readonly market: Market;
  readonly key: string;
  /** Whether the Console keeps and shows what was sent, as it has of late; default: it does not. */
  readonly keepsSdl?: boolean;
}

/** USD: less is "Deposit too low". */
const MIN_DEPOSIT_USD = 0.5;
const DEFAULT_LIMIT = 1_000;
/** World milliseconds after its lease at which `lease_closed_*` strikes. */
const STRIKES_MS = 60_000;
const STRIKES: Readonly<Record<string, number>> = {
  lease_closed_tenant: REASON.owner,
  lease_closed_provider: REASON.unstable,
  lease_closed_network: REASON.funds,
};

const createBody = z.looseObject({ data: z.looseObject({ sdl: z.string().min(1), deposit: z.number().gt(0) }) });
const leaseBody = z.looseObject({
  manifest: z.string().min(1),
  leases: z
    .array(z.strictObject({ dseq: z.string(), gseq: z.literal(1), oseq: z.literal(1), provider: z.string() }))
    .length(1),
});

export async function startFakeAkash({
  market,
  key,
  keepsSdl = false,
  ...server
}: FakeAkashOptions): Promise<FakeProvider> {
  const doors = createDoors(server.hostClock);
  const holdings = createHoldings(market, 'akash', dseqOf, note);
  const orders = createOrders();
  /** Leases that were closed by their owner, so that a look at one still finds it. */
  const past = new Map<string, string>();

  const offersAt = (nowMs: number) => market.offers(nowMs).filter((offer) => offer.provider === 'akash');

  const providers = ({ nowMs, fault }: FakeRequest): Reply => ({
    status: 200,
    body: fault === 'empty_list' ? [] : sellersOf(offersAt(nowMs)).map((one) => listed(one, fault === 'null_fields')),
  });

  const prices = ({ nowMs, fault }: FakeRequest): Reply => ({
    status: 200,
    body: pricesOf(fault === 'empty_list' ? [] : offersAt(nowMs), fault === 'null_fields'),
  });

  function create({ body, nowMs, fault }: FakeRequest): Reply {
    const asked = createBody.safeParse(body);
    if (!asked.success) return refusal(400, 'validation_error', asked.error.message);
    const { sdl, deposit } = asked.data.data;
    if (deposit < MIN_DEPOSIT_USD) return refusal(400, 'bad_request', 'Failed to create deployment: Deposit too low');
    let ordered: Ordered;
    try {
      ordered = orderedIn(sdl);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return refusal(400, 'validation_error', error.message);
    }
    const gpuHours = Number(ordered.env['AURORA_GPU_HOURS'] ?? ordered.gpus);
    const denom = fault === 'uakt_bids' ? 'uakt' : 'uact';
    const terms = { dseqSeed: ordered.label, gpuHours, nowMs, dear: fault === 'dear_bids', denom };
    const bids = fault === 'no_bids' ? [] : bidsOn(ordered, sellersOf(offersAt(nowMs)), terms);
    const order = orders.add({ created_ms: nowMs, sdl, ordered, deposit_usd: deposit, gpu_hours: gpuHours, bids });
    const { dseq, manifest } = order;
    return { status: 201, body: { data: { dseq, manifest, signTx: { code: 0 } } }, nativeId: dseq };
  }

  function bids({ query, nowMs, fault }: FakeRequest): Reply {
    const dseq = query.get('dseq') ?? '';
    const order = orders.get(dseq);
    const shown = order === null ? [] : order.bids.filter(({ from_ms }) => nowMs >= from_ms);
    const stateOf = (bid: PlacedBid): string =>
      order?.closed === true || nowMs >= bid.until_ms || fault === 'bids_closed' ? 'closed' : 'open';
    return {
      status: 200,
      body: {
        data: shown.map((one, n) => ({
          bid: {
            id: { owner: 'akash1tenant', dseq, gseq: 1, oseq: 1, provider: one.owner, bseq: n },
            state: stateOf(one),
            price: { denom: one.denom, amount: decimal(one.amount) },
            created_at: '1',
            resources_offer: [],
          },
        })),
      },
      nativeId: dseq,
    };
  }

  /** Where there is a lease already, its provider is sent the manifest again, and that is all. */
  function lease({ body, nowMs, fault }: FakeRequest): Reply {
    const asked = leaseBody.safeParse(body);
    if (!asked.success) return refusal(400, 'validation_error', asked.error.message);
    const { manifest, leases } = asked.data;
    const { dseq = '', provider = '' } = leases[0] ?? {};
    const held = holdings.get(dseq);
    if (held !== null) return delivered(held, nowMs, fault !== 'manifest_lost');
    const order = orders.get(dseq);
    if (order === null) return refusal(404, 'not_found', 'Deployment not found');
    if (order.closed) return refusal(400, 'bad_request', 'Failed to create lease: Deployment closed');
    if (manifest !== order.manifest) return refusal(422, 'validation_error', 'manifest: of another deployment');
    if (fault === 'bid_closes') order.bids = order.bids.map((one) => ({ ...one, until_ms: nowMs }));
    const bid = order.bids.find(({ owner, from_ms }) => owner === provider && nowMs >= from_ms);
    if (bid === undefined || nowMs >= bid.until_ms) return bidNotOpen();
    return leased(order, bid, nowMs, fault);
  }

  function leased(order: Order, bid: PlacedBid, nowMs: number, fault: string | null): Reply {
    const { dseq, ordered, deposit_usd } = order;
    const reason = fault === null ? undefined : STRIKES[fault];
    try {
      const held = holdings.order({
        offerId: bid.offer.offer_id,
        label: ordered.label,
        gpu_count: ordered.gpus,
        gpu_hours: order.gpu_hours,
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
          closes: reason === undefined ? null : { at_ms: nowMs + STRIKES_MS, reason },
        },
      });
      orders.leased(dseq);
      return delivered(held, nowMs, fault !== 'manifest_lost');
    } catch (error) {
      if (!(error instanceof AuroraError)) throw error;
      // Taken by somebody else meanwhile.
      order.bids = order.bids.map((one) => (one === bid ? { ...one, until_ms: nowMs } : one));
      return bidNotOpen();
    }
  }

  function delivered(held: HeldAtAkash, nowMs: number, reached: boolean): Reply {
    const { nativeId } = held;
    if (!reached)
      return { ...refusal(502, 'manifest_not_delivered', `The lease for deployment ${nativeId} exists`), nativeId };
    market.note(held.instance.instance_id, JSON.stringify({ ...held.note, delivered: true }));
    return { status: 200, body: { data: deploymentOf(nativeId, nowMs, true) }, nativeId };
  }

  function deploymentOf(dseq: string, nowMs: number, whole: boolean): Readonly<Record<string, unknown>> | null {
    const held = holdings.get(dseq) ?? closedOne(dseq);
    const order = orders.get(dseq);
    if (held === null && order === null) return null;
    const sdl = held === null ? (keepsSdl ? (order?.sdl ?? null) : null) : held.note.sdl;
    const open = held === null ? order?.closed === false : held.instance.released_ms === null;
    return {
      deployment: {
        id: { owner: 'akash1tenant', dseq },
        state: open ? 'active' : 'closed',
        hash: 'aGFzaA==',
        created_at: '1',
      },
      leases: held === null ? [] : [leasedAt(held, nowMs, whole ? doors : null)],
      escrow_account: { id: { scope: 'deployment', xid: dseq } },
      ...(whole && keepsSdl ? { consoleSettings: sdl === null ? null : { sdl, manifestVersion: 'djE=' } } : {}),
    };
  }

  function closedOne(dseq: string): HeldAtAkash | null {
    const instance = market.instance(past.get(dseq) ?? '');
    const parsed = instance === null ? null : note.safeParse(JSON.parse(instance.note));
    return instance === null || parsed?.success !== true ? null : { nativeId: dseq, instance, note: parsed.data };
  }

  function list({ query, nowMs }: FakeRequest): Reply {
    const skip = Number(query.get('skip') ?? 0);
    const limit = Number(query.get('limit') ?? DEFAULT_LIMIT);
    if (!(skip >= 0 && limit >= 1)) return refusal(400, 'validation_error', 'skip, limit');
    const all = [...orders.open().map(({ dseq }) => dseq), ...holdings.all().map(({ nativeId }) => nativeId)];
    all.sort((a, b) => Number(a) - Number(b));
    const deployments = all.slice(skip, skip + limit).map((dseq) => deploymentOf(dseq, nowMs, false));
    const pagination = { total: all.length, skip, limit, hasMore: skip + limit < all.length };
    return { status: 200, body: { data: { deployments, pagination } } };
  }

  function deployment({ params, nowMs, fault }: FakeRequest): Reply {
    const [dseq = ''] = params;
    const found = deploymentOf(dseq, nowMs, true);
    if (found === null) return refusal(404, 'not_found', 'Deployment not found');
    const leases = found['leases'] as readonly object[];
    const data =
      fault === 'status_silent' ? { ...found, leases: leases.map((one) => ({ ...one, status: null })) } : found;
    return { status: 200, body: { data }, nativeId: dseq };
  }

  function close({ params, nowMs }: FakeRequest): Reply {
    const [dseq = ''] = params;
    const order = orders.get(dseq);
    const held = holdings.get(dseq);
    if (order === null && held === null)
      return past.has(dseq)
        ? refusal(400, 'bad_request', 'Deployment closed')
        : refusal(404, 'not_found', 'Deployment not found');
    if (order?.closed === true) return refusal(400, 'bad_request', 'Deployment closed');
    if (order !== null) order.closed = true;
    if (held !== null) {
      remember(dseq, held.instance.instance_id);
      holdings.release(dseq, nowMs);
    }
    return { status: 200, body: { data: { success: true } }, nativeId: dseq };
  }

  function remember(dseq: string, instanceId: string): void {
    past.set(dseq, instanceId);
    const [oldest] = past.keys();
    if (past.size > MAX_PAST && oldest !== undefined) past.delete(oldest);
  }

  const routes: readonly Route[] = [
    { operation: 'providers', method: 'GET', pattern: /^\/v1\/providers$/, handle: providers },
    { operation: 'prices', method: 'GET', pattern: /^\/v1\/gpu-prices$/, handle: prices },
    { operation: 'create', method: 'POST', pattern: /^\/v1\/deployments$/, handle: create },
    { operation: 'list', method: 'GET', pattern: /^\/v1\/deployments$/, handle: list },
    { operation: 'bids', method: 'GET', pattern: /^\/v1\/bids$/, handle: bids },
    { operation: 'lease', method: 'POST', pattern: /^\/v1\/leases$/, handle: lease },
    { operation: 'deployment', method: 'GET', pattern: /^\/v1\/deployments\/(\d+)$/, handle: deployment },
    { operation: 'close', method: 'DELETE', pattern: /^\/v1\/deployments\/(\d+)$/, handle: close },
  ];

  return startFake(
    {
      provider: 'akash',
      routes,
      faults: AKASH_FAULTS,
      // The API names none.
      spacingMs: {},
      unavailableShare: market.spec.unavailable_share,
      refuse: ({ headers, operation }) => {
        const given = headers['x-api-key'];
        // Public routes take no key as well as a good one; a bad one they refuse like the others.
        if (given === key || (given === undefined && PUBLIC.has(operation))) return null;
        return refusal(401, 'unauthorized', 'Invalid API key');
      },
      tooOften: () => refusal(429, 'rate_limited', 'Too many requests'),
      notFound: () => refusal(404, 'not_found', 'Not found'),
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
      close: () => doors.close(),
    },
    server,
  );
}

const PUBLIC = new Set(['providers', 'prices']);
const MAX_PAST = 1_000;
