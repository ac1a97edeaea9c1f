/** Akash's Console API as far as the adapter may use it, over the market: vendor's facts, faults by name, bills. */
import { z } from 'zod';
import type { Market } from '../../market/market.ts';
import type { FakeRequest, Reply, Route } from '../kit/api.ts';
import { createDoors } from '../kit/doors.ts';
import { type FakeProvider, type FakeServerOptions, startFake } from '../kit/fake-server.ts';
import { createDeployments } from './deployments.ts';
import { AKASH_FAULTS, bidNotOpen, refusal } from './faults.ts';
import { bidsOn, type Order, type PlacedBid } from './orders.ts';
import { type Ordered, orderedIn } from './sdl.ts';
import { decimal, REASON } from './seen.ts';
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
const STRIKES_MS = 5 * 60_000;
const STRIKES: Readonly<Record<string, number>> = {
  lease_closed_tenant: REASON.owner,
  lease_closed_provider: REASON.unstable,
  lease_closed_network: REASON.funds,
};
/** Those that take no key as well as a good one; a bad one they refuse like the others. */
const PUBLIC = new Set(['providers', 'prices']);

const createBody = z.looseObject({ data: z.looseObject({ sdl: z.string().min(1), deposit: z.number().gt(0) }) });
const leaseBody = z.looseObject({
  manifest: z.string().min(1),
  leases: z.tuple([z.strictObject({ dseq: z.string(), gseq: z.literal(1), oseq: z.literal(1), provider: z.string() })]),
});

const invalid = (message: string): Reply => refusal(400, 'validation_error', message);
const noDeployment = (): Reply => refusal(404, 'not_found', 'Deployment not found');
const refusedByChain = (message: string): Reply => refusal(400, 'bad_request', message);

export async function startFakeAkash({ market, key, keepsSdl, ...server }: FakeAkashOptions): Promise<FakeProvider> {
  const doors = createDoors(server.hostClock);
  const deployments = createDeployments(market, doors, keepsSdl ?? false);

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
    if (!asked.success) return invalid(asked.error.message);
    const { sdl, deposit } = asked.data.data;
    if (deposit < MIN_DEPOSIT_USD) return refusedByChain('Failed to create deployment: Deposit too low');
    let ordered: Ordered;
    try {
      ordered = orderedIn(sdl);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return invalid(error.message);
    }
    const gpuHours = Number(ordered.env['AURORA_GPU_HOURS'] ?? ordered.gpus);
    const denom = fault === 'uakt_bids' ? 'uakt' : 'uact';
    const terms = { gpuHours, nowMs, dear: fault === 'dear_bids', denom };
    const bids = fault === 'no_bids' ? [] : bidsOn(ordered, sellersOf(offersAt(nowMs)), terms);
    const { dseq, manifest } = deployments.add({
      created_ms: nowMs,
      sdl,
      ordered,
      deposit_usd: deposit,
      gpu_hours: gpuHours,
      bids,
    });
    return { status: 201, body: { data: { dseq, manifest, signTx: { code: 0 } } }, nativeId: dseq };
  }

  function bids({ query, nowMs, fault }: FakeRequest): Reply {
    const dseq = query.get('dseq') ?? '';
    const order = deployments.order(dseq);
    const shown = order === null ? [] : order.bids.filter(({ from_ms }) => nowMs >= from_ms);
    const isOpen = (bid: PlacedBid): boolean =>
      order?.closed === false && nowMs < bid.until_ms && fault !== 'bids_closed';
    const data = shown.map((one, bseq) => ({
      bid: {
        id: { owner: 'akash1tenant', dseq, gseq: 1, oseq: 1, provider: one.owner, bseq },
        state: isOpen(one) ? 'open' : 'closed',
        price: { denom: one.denom, amount: decimal(one.amount) },
        created_at: '1',
        resources_offer: [],
      },
    }));
    return { status: 200, body: { data }, nativeId: dseq };
  }

  /** Where there is a lease already, its provider is sent the manifest again, and that is all. */
  function lease({ body, nowMs, fault }: FakeRequest): Reply {
    const asked = leaseBody.safeParse(body);
    if (!asked.success) return invalid(asked.error.message);
    const { manifest, leases } = asked.data;
    const [{ dseq, provider }] = leases;
    if (deployments.leased(dseq)) return delivered(dseq, nowMs, fault);
    const order = deployments.order(dseq);
    if (order === null) return noDeployment();
    if (order.closed) return refusedByChain('Failed to create lease: Deployment closed');
    if (manifest !== order.manifest) return refusal(422, 'validation_error', 'manifest: of another deployment');
    const bid = order.bids.find(({ owner, from_ms }) => owner === provider && nowMs >= from_ms);
    if (bid === undefined || nowMs >= bid.until_ms || fault === 'bid_closes') return closedBids(order, nowMs);
    const reason = STRIKES[fault ?? ''];
    const closes = reason === undefined ? null : { at_ms: nowMs + STRIKES_MS, reason };
    if (deployments.lease(order, bid, nowMs, closes) === null) return closedBids(order, nowMs);
    return delivered(dseq, nowMs, fault);
  }

  function closedBids(order: Order, nowMs: number): Reply {
    order.bids = order.bids.map((one) => ({ ...one, until_ms: Math.min(one.until_ms, nowMs) }));
    return bidNotOpen();
  }

  function delivered(dseq: string, nowMs: number, fault: string | null): Reply {
    if (fault === 'manifest_lost')
      return {
        ...refusal(502, 'manifest_not_delivered', `The lease for deployment ${dseq} exists, its manifest was lost`),
        nativeId: dseq,
      };
    deployments.deliver(dseq);
    return { status: 200, body: { data: deployments.shown(dseq, nowMs, 'detail') }, nativeId: dseq };
  }

  function list({ query, nowMs }: FakeRequest): Reply {
    const skip = Number(query.get('skip') ?? 0);
    const limit = Number(query.get('limit') ?? DEFAULT_LIMIT);
    if (!(skip >= 0 && limit >= 1)) return invalid('skip, limit');
    const all = deployments.open();
    const page = all.slice(skip, skip + limit).map((dseq) => deployments.shown(dseq, nowMs, 'list'));
    const pagination = { total: all.length, skip, limit, hasMore: skip + limit < all.length };
    return { status: 200, body: { data: { deployments: page, pagination } } };
  }

  function deployment({ params, nowMs, fault }: FakeRequest): Reply {
    const [dseq = ''] = params;
    const found = deployments.shown(dseq, nowMs, 'detail');
    if (found === null) return noDeployment();
    const leases = found['leases'] as readonly object[];
    const silent = fault === 'status_silent' ? { leases: leases.map((one) => ({ ...one, status: null })) } : {};
    return { status: 200, body: { data: { ...found, ...silent } }, nativeId: dseq };
  }

  function close({ params, nowMs }: FakeRequest): Reply {
    const [dseq = ''] = params;
    switch (deployments.close(dseq, nowMs)) {
      case 'closed':
        return { status: 200, body: { data: { success: true } }, nativeId: dseq };
      case 'closed before':
        return refusedByChain('Deployment closed');
      case 'unknown':
        return noDeployment();
    }
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
      refuse({ headers, operation }) {
        const given = headers['x-api-key'];
        const may = given === key || (given === undefined && PUBLIC.has(operation));
        return may ? null : refusal(401, 'unauthorized', 'Invalid API key');
      },
      tooOften: () => refusal(429, 'rate_limited', 'Too many requests'),
      notFound: () => refusal(404, 'not_found', 'Not found'),
      bills: deployments.bills,
      close: () => doors.close(),
    },
    server,
  );
}
