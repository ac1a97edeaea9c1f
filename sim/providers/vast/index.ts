/** Vast.ai's API as far as the adapter may use it, over the market: vendor's facts, faults by name, bills. */
import { z } from 'zod';
import { AuroraError } from '#shared/errors.ts';
import type { Market } from '../../market/market.ts';
import type { FakeRequest, Reply, Route } from '../kit/api.ts';
import { createDoors } from '../kit/doors.ts';
import { type FakeProvider, type FakeServerOptions, startFake } from '../kit/fake-server.ts';
import { createHoldings, jsonText, numberOf } from '../kit/holdings.ts';
import { type Ask, createAsks, listed, placeOf } from './asks.ts';
import { refusal, tooOften, VAST_FAULTS } from './faults.ts';
import { costOf, type HeldAtVast, note, seenAt, writtenBy } from './seen.ts';

export interface FakeVastOptions extends FakeServerOptions {
  readonly market: Market;
  readonly key: string;
}

/** World milliseconds after which an outbid machine is gone, counted from its being ready. */
const OUTBID_MS = 60_000;

/** Of `dearer`: a listed 0.43 has cost 0.60 live. */
const DEARER_FACTOR = 1.4;
/** Of `late_listing`, world milliseconds. */
const LISTED_AFTER_MS = 60_000;
/** World milliseconds until the host has written a log that was asked for. */
const LOG_WRITTEN_MS = 60_000;

/** The vendor's minimum, world milliseconds. */
const SPACING_MS: Readonly<Record<string, number>> = {
  bundles: 6_000,
  create: 4_500,
  get: 2_000,
  list: 1_000,
  state: 1_000,
  destroy: 3_000,
};

const searchBody = z.looseObject({
  limit: z.int().min(1).default(64),
  order: z.array(z.tuple([z.string(), z.enum(['asc', 'desc'])])).optional(),
  type: z.enum(['on-demand', 'ondemand', 'bid', 'reserved']).optional(),
  allocated_storage: z.number().min(0).default(5),
  num_gpus: z.record(z.enum(['eq', 'neq', 'gt', 'lt', 'gte', 'lte', 'in', 'notin']), z.unknown()).optional(),
});
const createBody = z.looseObject({
  image: z.string().min(1),
  disk: z.number().min(8),
  label: z.string().max(256).nullish(),
  runtype: z.string().optional(),
  price: z.number().gt(0).optional(),
  /** What its workload is told, and the ports that are mapped. */
  env: z.record(z.string(), z.string()).default({}),
});
/** What the workload makes of that: how long it runs. */
const workload = z.looseObject({
  AURORA_GPU_COUNT: z.coerce.number().int().min(1).max(1_024).optional(),
  AURORA_GPU_HOURS: z.coerce.number().gt(0).max(1e6).default(1),
  AURORA_WORKLOAD_TYPE: z.string().default('general'),
});
const listFilter = jsonText.pipe(z.looseObject({ label: z.object({ eq: z.string() }).optional() }));

const PAGE_SIZE = 25;
/** Logs that lie ready; those before must be asked for again. */
const MAX_LOGS = 10_000;

export async function startFakeVast({ market, key, ...server }: FakeVastOptions): Promise<FakeProvider> {
  const doors = createDoors(server.hostClock);
  const holdings = createHoldings(market, 'vast', ({ instance_id }) => String(numberOf('vast', instance_id)), note);

  const asksOf = createAsks();
  const forSale = (nowMs: number): readonly Ask[] =>
    asksOf(market.offers(nowMs).filter((offer) => offer.provider === 'vast'));

  function search({ body, nowMs, fault }: FakeRequest): Reply {
    const asked = searchBody.safeParse(body);
    if (!asked.success) return refusal(400, 'invalid_args', asked.error.message);
    const { limit, allocated_storage: disk } = asked.data;
    const offers = forSale(nowMs)
      .filter(({ offer }) => offer.active)
      .slice(0, limit)
      .map((ask) => listed(ask, disk));
    return { status: 200, body: { offers: offers.map((offer) => ({ ...offer, ...nullsOf(fault) })) } };
  }

  function create({ body, params, nowMs, fault }: FakeRequest): Reply {
    const asked = createBody.safeParse(body);
    if (!asked.success) return refusal(400, 'invalid_args', asked.error.message);
    const ask = forSale(nowMs).find(({ id }) => String(id) === params[0]);
    if (ask === undefined) return refusal(404, 'not_found', `no ask ${params[0]}`);
    const { image, disk, label = null, env } = asked.data;
    const told = workload.safeParse(env);
    if (!told.success) return refusal(400, 'invalid_args', told.error.message);
    const runHours = told.data.AURORA_GPU_HOURS / (told.data.AURORA_GPU_COUNT ?? ask.num_gpus);
    try {
      const held = holdings.order({
        offerId: ask.offer.offer_id,
        label: label ?? `${params[0]}`,
        // The whole ask, however much of it was asked for: it runs as long, and all of it is billed.
        gpu_count: ask.num_gpus,
        gpu_hours: runHours * ask.num_gpus,
        workload_type: told.data.AURORA_WORKLOAD_TYPE,
        nowMs,
        note: {
          label,
          image,
          disk,
          port: mappedPort(env),
          geolocation: placeOf(ask.offer),
          stuck: fault === 'stuck_loading',
          outbid_ms: null,
          price_factor: fault === 'dearer' ? DEARER_FACTOR : 1,
        },
      });
      if (fault === 'outbid') outbid(held);
      return { status: 200, body: { success: true, new_contract: Number(held.nativeId) }, nativeId: held.nativeId };
    } catch (error) {
      if (!(error instanceof AuroraError)) throw error;
      return refusal(410, 'no_such_ask', error.message);
    }
  }

  function outbid({ instance, note }: HeldAtVast): void {
    const ready = instance.fate.ready_ms;
    if (ready !== null) market.note(instance.instance_id, JSON.stringify({ ...note, outbid_ms: ready + OUTBID_MS }));
  }

  /** The token of the next page is the id after which it begins; ids do not sort by time, which no client may expect. */
  function list({ query, nowMs, fault }: FakeRequest): Reply {
    const limit = Number(query.get('limit') ?? PAGE_SIZE);
    if (!(limit >= 1 && limit <= PAGE_SIZE)) return refusal(400, 'invalid_args', `limit: 1 to ${PAGE_SIZE}`);
    const filter = listFilter.safeParse(query.get('select_filters') ?? '{}');
    if (!filter.success) return refusal(400, 'invalid_args', 'select_filters');
    const wanted = filter.data.label?.eq;
    const all = holdings
      .all()
      .filter(({ note: { label } }) => wanted === undefined || label === wanted)
      .filter(({ instance }) => fault !== 'late_listing' || nowMs - instance.created_ms > LISTED_AFTER_MS)
      .sort((a, b) => Number(a.nativeId) - Number(b.nativeId));
    const after = Number(query.get('after_token') ?? 0);
    const page = all.filter(({ nativeId }) => Number(nativeId) > after);
    const shown = page.slice(0, limit);
    return {
      status: 200,
      body: {
        success: true,
        instances: shown.map((held) => ({ ...seenAt(held, nowMs, doors), ...nullsOf(fault) })),
        total_instances: all.length,
        next_token: page.length > limit ? (shown.at(-1)?.nativeId ?? null) : null,
      },
    };
  }

  function get({ params, nowMs, fault }: FakeRequest): Reply {
    const held = holdings.get(params[0] ?? '');
    const instance = held === null ? null : { ...seenAt(held, nowMs, doors), ...nullsOf(fault) };
    return { status: 200, body: { instances: instance } };
  }

  function destroy({ params, nowMs }: FakeRequest): Reply {
    const [id = ''] = params;
    logs.delete(id);
    if (!holdings.release(id, nowMs)) return refusal(404, 'no_such_instance', `no instance ${id}`);
    return { status: 200, body: { success: true }, nativeId: id };
  }

  /** Native id -> world epoch milliseconds from which on its log is there. */
  const logs = new Map<string, number>();

  function requestLogs({ params, nowMs, elsewhere, fault, body }: FakeRequest): Reply {
    const [id = ''] = params;
    if (body === undefined) return refusal(400, 'invalid_args', 'Request body must be valid JSON');
    if (holdings.get(id) === null) return refusal(404, 'no_such_instance', `no instance ${id}`);
    if (logs.size >= MAX_LOGS) logs.clear();
    logs.set(id, fault === 'log_never' ? Number.POSITIVE_INFINITY : nowMs + LOG_WRITTEN_MS);
    return { status: 200, body: { success: true, result_url: `${elsewhere}/logs/${id}.log?sig=0a1b` }, nativeId: id };
  }

  function fetchLog({ params, nowMs }: FakeRequest): Reply {
    const held = holdings.get(params[0] ?? '');
    if (held === null || nowMs < (logs.get(held.nativeId) ?? Number.POSITIVE_INFINITY))
      return { status: 403, body: '<Error><Code>AccessDenied</Code></Error>' };
    return { status: 200, body: writtenBy(held, nowMs), nativeId: held.nativeId };
  }

  const routes: readonly Route[] = [
    { operation: 'search', endpoint: 'bundles', method: 'POST', pattern: /^\/api\/v0\/bundles\/$/, handle: search },
    { operation: 'create', method: 'PUT', pattern: /^\/api\/v0\/asks\/(\d+)\/$/, handle: create },
    { operation: 'list', method: 'GET', pattern: /^\/api\/v1\/instances\/$/, handle: list },
    {
      operation: 'list_v0',
      method: 'GET',
      pattern: /^\/api\/v0\/instances\/$/,
      handle: () => refusal(410, 'deprecated_endpoint', 'Use /api/v1/instances/.'),
    },
    { operation: 'get', method: 'GET', pattern: /^\/api\/v0\/instances\/(\d+)\/$/, handle: get },
    {
      operation: 'logs',
      endpoint: 'state',
      method: 'PUT',
      pattern: /^\/api\/v0\/instances\/request_logs\/(\d+)\/$/,
      handle: requestLogs,
    },
    { operation: 'fetch_log', elsewhere: true, method: 'GET', pattern: /^\/logs\/(\d+)\.log$/, handle: fetchLog },
    { operation: 'destroy', method: 'DELETE', pattern: /^\/api\/v0\/instances\/(\d+)\/$/, handle: destroy },
  ];

  return startFake(
    {
      provider: 'vast',
      routes,
      faults: VAST_FAULTS,
      spacingMs: SPACING_MS,
      unavailableShare: market.spec.unavailable_share,
      refuse: ({ headers }) =>
        headers.authorization === `Bearer ${key}` ? null : refusal(401, 'auth_error', 'Invalid user key'),
      tooOften: (endpoint) => tooOften((SPACING_MS[endpoint] ?? 0) / 1_000),
      notFound: () => refusal(404, 'not_found', 'no such route'),
      bills: (nowMs) =>
        holdings.ever().map((held) => ({
          native_id: held.nativeId,
          label: held.note.label ?? '',
          usd: costOf(held, nowMs),
          created_ms: held.instance.created_ms,
          ended_ms: held.instance.released_ms,
        })),
      close: () => doors.close(),
    },
    server,
  );
}

const nullsOf = (fault: string | null): Readonly<Record<string, null>> =>
  fault === 'null_fields' ? { cpu_cores: null, geolocation: null } : {};

function mappedPort(env: Readonly<Record<string, string>>): number {
  const flag = Object.keys(env).find((key) => key.startsWith('-p '));
  return Number(flag?.split(':').at(-1) ?? 22);
}
