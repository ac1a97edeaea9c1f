/**
 * The part of a function that is the same for all: doors, limits, errors, drain, metrics.
 * States: serving -> draining (drain() was called) -> drained (in-flight 0, stop() done). There is no way back.
 * A request takes a slot before its handler runs and keeps it until the handler has settled, even when the deadline
 * answered first: slots bound the work under way, not the answers owed. A streamed answer keeps it until it is over, and is
 * over when the function drains.
 */
import { MAX_CONCURRENT_REQUESTS, MAX_HTTP_BODY_BYTES, REQUEST_DEADLINE_MS } from '#shared/defaults.ts';
import { type AuroraError, RejectedError, TransientError } from '#shared/errors.ts';
import { codedError, errorAnswer, json } from './answers.ts';
import { BoundRequest, type HttpRequest, requestIdOf } from './bound-request.ts';
import type { RuntimeDeps } from './deps.ts';
import { createRequestMetrics } from './request-metrics.ts';
import { createRouter } from './router.ts';
import { type HeldStream, isStream, streamKeeper } from './stream.ts';
import type { BodyStream, FunctionApp, FunctionRequest, FunctionResponse, ReadyReport } from './types.ts';

export interface HttpRoute {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** '/deployments', '/deployments/:id', or '*' for every path that is not another route. */
  readonly path: string;
  /** The route's name in the metrics; default its path. */
  readonly label?: string;
  /** Fields that a failed answer of this door has beside `error`. */
  readonly failure?: (error: AuroraError) => Readonly<Record<string, unknown>>;
  /** Answers at once or later. Throws RejectedError or TransientError; anything else is our fault and answers 500. */
  readonly handle: (request: HttpRequest) => FunctionResponse | Promise<FunctionResponse>;
}

type LimitedRoute = HttpRoute & { readonly limited: boolean };

export interface AppSpec {
  readonly name: string;
  readonly deps: RuntimeDeps;
  readonly routes: readonly HttpRoute[];
  /** Default: ready as soon as start() has resolved. */
  readonly ready?: () => ReadyReport;
  /** What `GET /health` says beside status, name and age. */
  readonly health?: () => Readonly<Record<string, unknown>>;
  readonly start?: () => Promise<void>;
  /** Pollers and caches; awaited by drain(). */
  readonly stop?: () => Promise<void>;
  readonly bodyLimitBytes?: number;
  readonly maxConcurrent?: number;
  readonly deadlineMs?: number;
}

export function buildApp(spec: AppSpec): FunctionApp {
  const { name, deps, routes } = spec;
  const { hostClock } = deps;
  const log = deps.log.child({ function: name });
  const bodyLimitBytes = spec.bodyLimitBytes ?? MAX_HTTP_BODY_BYTES;
  const maxConcurrent = spec.maxConcurrent ?? MAX_CONCURRENT_REQUESTS;
  const deadlineMs = spec.deadlineMs ?? REQUEST_DEADLINE_MS;
  const metrics = createRequestMetrics(deps.metrics, name);
  const streams = streamKeeper(hostClock);
  const bornMs = hostClock.now();
  let started = false;
  let starting: Promise<void> | undefined;
  let inFlight = 0;
  let draining: Promise<void> | undefined;
  let onIdle: (() => void) | undefined;

  const ready = (): ReadyReport => {
    if (draining !== undefined) return { ready: false, waiting_for: ['draining'] };
    if (!started) return { ready: false, waiting_for: ['start'] };
    return spec.ready?.() ?? { ready: true, waiting_for: [] };
  };
  // Always answered: a probe must see an overloaded or a draining instance for what it is.
  const common: readonly HttpRoute[] = [
    {
      method: 'GET',
      path: '/health',
      handle: () =>
        json(200, {
          status: 'ok',
          function: name,
          uptime_s: Math.max(0, hostClock.now() - bornMs) / 1000,
          ...spec.health?.(),
        }),
    },
    {
      method: 'GET',
      path: '/ready',
      handle() {
        const report = ready();
        return json(report.ready ? 200 : 503, report);
      },
    },
    {
      method: 'GET',
      path: '/metrics',
      handle: async () => ({
        status: 200,
        headers: { 'content-type': deps.metrics.contentType },
        body: await deps.metrics.exposition(),
      }),
    },
  ];
  const own = routes.map((route) => ({ ...route, limited: true, metrics: metrics.route(route.label ?? route.path) }));
  const match = createRouter([
    ...common.map((route) => ({ ...route, limited: false, metrics: metrics.route(route.path) })),
    ...own,
  ]);
  const unmatched = metrics.route('unmatched');

  function failed(request: HttpRequest, { failure }: Pick<HttpRoute, 'failure'>, thrown: unknown): FunctionResponse {
    const error = codedError(thrown);
    const fields = {
      code: error.code,
      status: error.status,
      method: request.method,
      path: request.path,
      request_id: request.requestId,
      traceparent: request.traceparent,
    };
    if (error.code === 'internal') log.error({ ...fields, error: error.cause ?? error }, 'request failed unexpectedly');
    else if (error.retryable) log.warn({ ...fields, error }, 'request failed for now');
    else log.info({ ...fields, reason: error.message }, 'request rejected');
    return errorAnswer(error, { 'x-request-id': request.requestId }, failure?.(error));
  }

  /** Refusals that must stay cheap: no line in the log, the counter tells. */
  function refusal(request: FunctionRequest, { failure }: Pick<HttpRoute, 'failure'>): FunctionResponse | null {
    if (draining === undefined && inFlight < maxConcurrent && request.body.length <= bodyLimitBytes) return null;
    const headers = { 'x-request-id': requestIdOf(request.headers) };
    const refuse = (error: AuroraError, more = {}) => errorAnswer(error, { ...headers, ...more }, failure?.(error));
    if (draining !== undefined)
      return refuse(new TransientError('draining', `${name} is shutting down`), { connection: 'close' });
    if (inFlight >= maxConcurrent)
      return refuse(new TransientError('overloaded', `${name} has ${maxConcurrent} requests in flight, its limit`));
    const sizes = `expected at most ${bodyLimitBytes} bytes, got ${request.body.length}`;
    return refuse(new RejectedError('body_too_large', sizes));
  }

  function release(limited: boolean): void {
    if (!limited) return;
    inFlight -= 1;
    if (inFlight === 0) onIdle?.();
  }

  function raceDeadline(
    request: BoundRequest,
    door: LimitedRoute,
    running: Promise<FunctionResponse>,
  ): Promise<FunctionResponse> {
    return new Promise((resolve) => {
      let answered = false;
      const cancel = hostClock.after(Math.max(0, request.deadline - hostClock.now()), () => {
        answered = true;
        const error = new TransientError('deadline_exceeded', `${name} did not answer ${request.path} in time`);
        request.abort(error);
        resolve(failed(request, door, error));
      });
      const done = (response: FunctionResponse): void => {
        cancel();
        if (!answered) resolve(response);
      };
      const broken = (thrown: unknown): void => {
        cancel();
        if (!answered) resolve(failed(request, door, thrown));
        else log.warn({ request_id: request.requestId, error: thrown }, 'handler failed after its deadline');
      };
      running.then(
        (response) => {
          const { body } = response;
          // Its slot is kept until the stream is over, its answer owed until the first bit is there.
          if (isStream(body)) flow(request, door, body).then((stream) => done({ ...response, body: stream }), broken);
          else {
            release(door.limited);
            done(response);
          }
        },
        (thrown: unknown) => {
          release(door.limited);
          broken(thrown);
        },
      );
    });
  }

  function flow(request: BoundRequest, { limited }: LimitedRoute, body: BodyStream): Promise<HeldStream> {
    let begun = false;
    const stream = streams.begin(body, request.signal, (error) => {
      release(limited);
      // Before its first bit it is an answer that failed, and is logged as one.
      if (error !== null && begun)
        log.warn({ path: request.path, request_id: request.requestId, error }, 'a streamed answer broke off');
    });
    return stream.finally(() => (begun = true));
  }

  function handle(request: FunctionRequest): FunctionResponse | Promise<FunctionResponse> {
    const since = metrics.start();
    const hit = match(request.method, request.path);
    if (hit.kind !== 'found') {
      const error =
        hit.kind === 'not_found'
          ? new RejectedError('not_found', `${name} has no door at ${request.path.slice(0, 128)}`)
          : new RejectedError('method_not_allowed', `expected ${hit.allow} at this path, got ${request.method}`);
      const headers = {
        'x-request-id': requestIdOf(request.headers),
        ...(hit.kind === 'not_found' ? undefined : { allow: hit.allow }),
      };
      return unmatched.done(since, errorAnswer(error, headers));
    }
    const door = hit.door;
    const refused = door.limited ? refusal(request, door) : null;
    if (refused !== null) return door.metrics.done(since, refused);
    const bound = new BoundRequest(request, hit.params, Math.min(request.deadline, hostClock.now() + deadlineMs));
    if (door.limited) inFlight += 1;
    let answer: FunctionResponse | Promise<FunctionResponse>;
    try {
      answer = door.handle(bound);
    } catch (thrown) {
      answer = failed(bound, door, thrown);
    }
    if (answer instanceof Promise || isStream(answer.body))
      return raceDeadline(bound, door, Promise.resolve(answer)).then((response) => door.metrics.done(since, response));
    release(door.limited);
    return door.metrics.done(since, answer);
  }

  metrics.inFlight(() => inFlight);
  return {
    name,
    handle,
    bodyLimitBytes,
    start() {
      starting ??= (async () => {
        await spec.start?.();
        started = true;
      })();
      return starting;
    },
    drain() {
      streams.close();
      draining ??= (async () => {
        if (inFlight > 0) await new Promise<void>((resolve) => (onIdle = resolve));
        await spec.stop?.();
      })();
      return draining;
    },
  };
}
