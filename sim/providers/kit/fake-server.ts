/**
 * A provider's API that lies in this house: routes over the market behind the doors that every provider has (key, spacing) and the
 * faults that a test asks for. In: HTTP on loopback. Out: answers like the real ones, a log of what was asked, and the bills.
 * `PUT /_fake/faults`, `GET /_fake/log` and `GET /_fake/bills` are for tests in other processes.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { HostClock, WorldClock } from '#shared/ports/clock.ts';
import { bodyOf, jsonOf, listen, originOf, shut } from '../../loopback.ts';
import { uniforms } from '../../market/random.ts';
import type { FakeRequest, NamedFault, Reply, Route } from './api.ts';
import { createFaultPlan, type FaultPlan } from './faults.ts';
import { type Arrival, outcomeOf } from './outcome.ts';
import { createRequestLog, type LoggedRequest } from './request-log.ts';
import { testDoor } from './test-door.ts';

/** What one instance costs its customer, until now. */
export interface Bill {
  readonly native_id: string;
  readonly label: string;
  readonly usd: number;
  readonly created_ms: number;
  /** From then on it costs nothing; null: it still does. */
  readonly ended_ms: number | null;
}

export interface FakeProvider {
  readonly url: string;
  readonly faults: FaultPlan;
  log(): readonly LoggedRequest[];
  bills(): readonly Bill[];
  close(): Promise<void>;
}

export interface FakeApi {
  readonly provider: string;
  readonly routes: readonly Route[];
  readonly faults: Readonly<Record<string, NamedFault>>;
  /** World milliseconds between two calls, by endpoint. */
  readonly spacingMs: Readonly<Record<string, number>>;
  /** Whether the caller may; the answer if not. */
  refuse(request: FakeRequest): Reply | null;
  /** Share of calls that fail for no reason, as the market has it. */
  readonly unavailableShare: number;
  tooOften(endpoint: string): Reply;
  notFound(): Reply;
  bills(nowMs: number): readonly Bill[];
  close(): Promise<void>;
}

export interface FakeServerOptions {
  readonly hostClock: HostClock;
  readonly worldClock: WorldClock;
  /** Of the draws of faults. */
  readonly seed: number;
  /** 0 or absent: any. */
  readonly port?: number;
  /** Host milliseconds that `slow_first_byte` waits. */
  readonly slowMs?: number;
}

const SLOW_MS = 400;
/** Host milliseconds by which two calls that were sent a spacing apart may arrive nearer on this machine. */
const LATE_HOST_MS = 4;

/** @throws RejectedError port_unavailable */
export async function startFake(api: FakeApi, options: FakeServerOptions): Promise<FakeProvider> {
  const { hostClock, worldClock, slowMs = SLOW_MS } = options;
  const faults = createFaultPlan(Object.keys(api.faults), options.seed, api.provider);
  const log = createRequestLog();
  const bills = (): readonly Bill[] => api.bills(worldClock.now());
  const ownDoor = testDoor({ faults, log: log.all, bills });
  const fails = uniforms('unavailable', options.seed, api.provider);
  const lastMs = new Map<string, number>();

  const faultOf = (operation: string, nowMs: number): string | null =>
    faults.draw(operation, nowMs) ?? (api.unavailableShare > 0 && fails() < api.unavailableShare ? '500' : null);

  function tooSoon(endpoint: string, nowMs: number): boolean {
    const spacingMs = (api.spacingMs[endpoint] ?? 0) - LATE_HOST_MS * worldClock.speed;
    if (nowMs - (lastMs.get(endpoint) ?? Number.NEGATIVE_INFINITY) < spacingMs) return true;
    lastMs.set(endpoint, nowMs);
    return false;
  }

  function arrival(incoming: IncomingMessage, url: URL, text: string, elsewhere: boolean): Arrival {
    const { method = '', headers } = incoming;
    const { route, params } = routeOf(api.routes, elsewhere, method, url.pathname);
    const nowMs = worldClock.now();
    const operation = route?.operation ?? 'none';
    const plain: FakeRequest = {
      operation,
      method,
      path: url.pathname,
      search: url.search.slice(1),
      query: url.searchParams,
      headers,
      text,
      body: jsonOf(text),
      params,
      nowMs,
      elsewhere: originOf(other),
      fault: null,
    };
    const refused = api.refuse(plain);
    const endpoint = route?.endpoint ?? operation;
    const soon = !elsewhere && refused === null && tooSoon(endpoint, nowMs);
    // A call that comes too soon uses up no fault.
    if (soon) return { route, request: plain, refused, tooSoon: api.tooOften(endpoint) };
    return { route, request: { ...plain, fault: faultOf(operation, nowMs) }, refused, tooSoon: null };
  }

  async function serve(incoming: IncomingMessage, response: ServerResponse, elsewhere: boolean): Promise<void> {
    const url = new URL(incoming.url ?? '/', 'http://fake');
    const text = await bodyOf(incoming);
    const own = elsewhere ? null : ownDoor(incoming.method ?? '', url.pathname, jsonOf(text));
    if (own !== null) return send(response, own);
    const arrived = arrival(incoming, url, text, elsewhere);
    const { request, refused } = arrived;
    const outcome = outcomeOf(
      // Elsewhere nobody asks for a key; the log tells whether one came.
      elsewhere ? { ...arrived, refused: null } : arrived,
      request.fault === null ? undefined : api.faults[request.fault],
      api.notFound,
    );
    const nativeId = outcome.kind === 'answer' ? outcome.reply.nativeId : outcome.nativeId;
    log.add({
      world_ms: request.nowMs,
      host_ms: hostClock.now(),
      operation: request.operation,
      method: request.method,
      path: request.path,
      status: outcome.kind === 'answer' ? outcome.reply.status : null,
      fault: request.fault,
      native_id: nativeId ?? null,
      key_ok: refused === null,
      too_soon: arrived.tooSoon !== null,
    });
    if (outcome.kind === 'cut') incoming.socket.destroy();
    if (outcome.kind !== 'answer') return;
    const { reply } = outcome;
    if (!outcome.late) return send(response, reply);
    const cancel = hostClock.after(slowMs, () => send(response, reply));
    response.on('close', cancel);
  }

  const listener = (elsewhere: boolean): Server =>
    createServer((incoming, response) => {
      serve(incoming, response, elsewhere).catch((error: unknown) => {
        if (response.headersSent) response.destroy();
        else send(response, { status: 500, body: { error: 'internal', msg: String(error) } });
      });
    });
  const [server, other] = [listener(false), listener(true)];
  await listen(server, options.port ?? 0);
  await listen(other, 0);
  return {
    url: originOf(server),
    faults,
    log: log.all,
    bills,
    async close() {
      await Promise.all([shut(server), shut(other)]);
      await api.close();
    },
  };
}

function routeOf(
  routes: readonly Route[],
  elsewhere: boolean,
  method: string,
  path: string,
): { readonly route: Route | null; readonly params: readonly string[] } {
  for (const route of routes) {
    const match = route.method === method && (route.elsewhere === true) === elsewhere ? route.pattern.exec(path) : null;
    if (match !== null) return { route, params: match.slice(1) };
  }
  return { route: null, params: [] };
}

function send(response: ServerResponse, { status, body, headers }: Reply): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const type = typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json';
  response.writeHead(status, { 'content-type': type, ...headers });
  response.end(text);
}
