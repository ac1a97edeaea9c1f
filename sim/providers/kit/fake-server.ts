/**
 * A provider's API that lies in this house: routes over the market behind the doors that every provider has (key, spacing) and the
 * faults that a test asks for. In: HTTP on loopback. Out: answers like the real ones, a log of what was asked, and the bills.
 * `PUT /_fake/faults`, `GET /_fake/log` and `GET /_fake/bills` are for tests in other processes.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { HostClock, WorldClock } from '#shared/ports/clock.ts';
import { uniforms } from '../../market/random.ts';
import type { FakeRequest, NamedFault, Reply, Route } from './api.ts';
import { createFaultPlan, type FaultPlan, faultRules } from './faults.ts';
import { createRequestLog, type LoggedRequest } from './request-log.ts';

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

const MAX_BODY_BYTES = 256 * 1024;
const SLOW_MS = 400;
/** Host milliseconds by which two calls that were sent a spacing apart may arrive nearer on this machine. */
const LATE_HOST_MS = 4;

export async function startFake(api: FakeApi, options: FakeServerOptions): Promise<FakeProvider> {
  const { hostClock, worldClock, slowMs = SLOW_MS } = options;
  const plan = createFaultPlan(Object.keys(api.faults), options.seed, api.provider);
  const log = createRequestLog();
  const lastMs = new Map<string, number>();

  function tooSoon(endpoint: string, nowMs: number): boolean {
    const spacingMs = (api.spacingMs[endpoint] ?? 0) - LATE_HOST_MS * worldClock.speed;
    if (nowMs - (lastMs.get(endpoint) ?? Number.NEGATIVE_INFINITY) < spacingMs) return true;
    lastMs.set(endpoint, nowMs);
    return false;
  }

  const fails = uniforms('unavailable', options.seed, api.provider);
  const faultOf = (operation: string, nowMs: number): string | null =>
    plan.draw(operation, nowMs) ?? (api.unavailableShare > 0 && fails() < api.unavailableShare ? '500' : null);

  async function serve(incoming: IncomingMessage, response: ServerResponse, elsewhere: boolean): Promise<void> {
    const url = new URL(incoming.url ?? '/', 'http://fake');
    const text = await bodyOf(incoming);
    if (!elsewhere && url.pathname.startsWith('/_fake/'))
      return send(response, ownAnswer(incoming.method, url.pathname, text));
    const found = routeOf(elsewhere ? places.elsewhere : places.api, incoming.method ?? '', url.pathname);
    const nowMs = worldClock.now();
    const operation = found?.route.operation ?? 'none';
    const fault = faultOf(operation, nowMs);
    const request: FakeRequest = {
      operation,
      method: incoming.method ?? '',
      path: url.pathname,
      search: url.search.slice(1),
      query: url.searchParams,
      headers: incoming.headers,
      text,
      body: jsonOf(text),
      params: found?.params ?? [],
      nowMs,
      elsewhere: originOf(other),
      fault,
    };
    const refused = api.refuse(request);
    const soon = !elsewhere && refused === null && tooSoon(found?.route.endpoint ?? operation, nowMs);
    const note = (status: number | null, nativeId?: string): void =>
      log.add({
        world_ms: nowMs,
        host_ms: hostClock.now(),
        operation,
        method: request.method,
        path: request.path,
        status,
        fault,
        native_id: nativeId ?? null,
        key_ok: refused === null,
        too_soon: soon,
      });
    const answer = (reply: Reply, afterMs = 0): void => {
      note(reply.status, reply.nativeId);
      if (afterMs === 0) send(response, reply);
      else
        response.on(
          'close',
          hostClock.after(afterMs, () => send(response, reply)),
        );
    };
    const way = fault === null ? undefined : api.faults[fault];
    const handle = (): Reply => found?.route.handle(request) ?? api.notFound();

    // A line that breaks does so before anybody has looked at the key.
    if ((way?.kind === 'reset' || way?.kind === 'hang') && !way.done) {
      note(null);
      if (way.kind === 'reset') incoming.socket.destroy();
      return;
    }
    if (refused !== null && !elsewhere) return answer(refused);
    if (soon) return answer(api.tooOften(found?.route.endpoint ?? operation));
    if (way?.kind === 'instead') return answer(way.reply(request));
    const reply = handle();
    if (way?.kind === 'after') return answer({ ...way.reply(reply, request), ...nativeOf(reply) });
    if (way?.kind === 'slow') return answer(reply, slowMs);
    if (way?.kind !== 'reset' && way?.kind !== 'hang') return answer(reply);
    note(null, reply.nativeId);
    if (way.kind === 'reset') incoming.socket.destroy();
  }

  function ownAnswer(method: string | undefined, path: string, text: string): Reply {
    if (method === 'GET' && path === '/_fake/log') return { status: 200, body: log.all() };
    if (method === 'GET' && path === '/_fake/bills') return { status: 200, body: api.bills(worldClock.now()) };
    if (method !== 'PUT' || path !== '/_fake/faults') return { status: 404, body: { error: 'not_found' } };
    const rules = faultRules.safeParse(jsonOf(text));
    if (!rules.success) return { status: 400, body: { error: rules.error.message } };
    try {
      plan.set(rules.data);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return { status: 400, body: { error: error.message } };
    }
    return { status: 200, body: plan.rules() };
  }

  const places = {
    api: api.routes.filter((route) => route.elsewhere !== true),
    elsewhere: api.routes.filter((route) => route.elsewhere === true),
  };
  const listener = (elsewhere: boolean): Server =>
    createServer((incoming, response) => {
      serve(incoming, response, elsewhere).catch((error: unknown) => {
        if (response.headersSent) response.destroy();
        else send(response, { status: 500, body: { error: 'internal', msg: String(error) } });
      });
    });
  const [server, other] = [listener(false), listener(true)];
  await Promise.all([listen(server, options.port ?? 0), listen(other, 0)]);
  return {
    url: originOf(server),
    faults: plan,
    log: log.all,
    bills: () => api.bills(worldClock.now()),
    async close() {
      await Promise.all([shut(server), shut(other)]);
      await api.close();
    },
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
}

const originOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

function shut(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

const nativeOf = ({ nativeId }: Reply): Pick<Reply, 'nativeId'> => (nativeId === undefined ? {} : { nativeId });

function routeOf(
  routes: readonly Route[],
  method: string,
  path: string,
): { readonly route: Route; readonly params: readonly string[] } | null {
  for (const route of routes) {
    const match = route.method === method ? route.pattern.exec(path) : null;
    if (match !== null) return { route, params: match.slice(1) };
  }
  return null;
}

async function bodyOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES) throw new RangeError(`expected a body of at most ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function send(response: ServerResponse, { status, body, headers }: Reply): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const type = typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json';
  response.writeHead(status, { 'content-type': type, ...headers });
  response.end(text);
}
