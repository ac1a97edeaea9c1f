/**
 * The load balancer in front of the cluster: it knows services by the host that is asked for, in clear and over TLS, and hands on what they
 * answer. It says 502 where the service cuts it off, and 404 where no host is known.
 */
import { type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { HostClock } from '#shared/ports/clock.ts';
import { pathOf, respond } from '../../loopback.ts';
import type { AppName } from '../facts.ts';
import type { FaultSwitches } from '../faults/switches.ts';
import { backends } from '../objects/ingress.ts';
import { type Identity, listenTwice, type Pair } from '../tls/pair.ts';

export interface Backend {
  /** Null: no pod is ready. */
  readonly url: string | null;
  /** For services that cannot be unwell by themselves, as they answer elsewhere. */
  readonly isDown: boolean;
  readonly delayMs: number;
}

export interface IngressOptions {
  readonly hostClock: HostClock;
  readonly faults: FaultSwitches;
  readonly backend: (app: AppName, path: string) => Backend;
  /** What it is in TLS at first. */
  readonly identity: Identity;
  readonly httpPort: number;
  readonly httpsPort: number;
}

/** A service that does not answer is given up after so many host milliseconds; the load balancer's default is thirty seconds. */
const BACKEND_MS = 30_000;

/** @throws RejectedError port_unavailable; then nothing listens */
export const startIngress = (options: IngressOptions): Promise<Pair> =>
  listenTwice(
    (incoming, response) => proxy(incoming, response, options),
    options.identity,
    options.httpPort,
    options.httpsPort,
  );

function proxy(incoming: IncomingMessage, response: ServerResponse, options: IngressOptions): void {
  const { hostClock, faults, backend } = options;
  const host = (incoming.headers.host ?? '').replace(/:\d+$/, '').toLowerCase();
  const app = backends(faults).find(([known]) => known === host)?.[1];
  if (app === undefined) {
    respond(response, 404, 'response 404 (backend NotFound), service rules for the path non-existent');
    return;
  }
  // Only what stands behind the host: a path may look like another origin.
  const { path, search } = pathOf(incoming);
  const { url, isDown, delayMs } = backend(app, path);
  if (url === null) respond(response, 503, 'no healthy upstream');
  else if (isDown) respond(response, 502, CUT);
  else if (delayMs === 0) handOn(incoming, response, `${url}${path}${search}`, hostClock);
  else
    response.once(
      'close',
      hostClock.after(delayMs, () => handOn(incoming, response, `${url}${path}${search}`, hostClock)),
    );
}

const CUT = 'upstream connect error or disconnect/reset before headers';

function handOn(incoming: IncomingMessage, response: ServerResponse, url: string, hostClock: HostClock): void {
  const onward = request(url, { method: incoming.method ?? 'GET', headers: incoming.headers }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, { ...answer.headers, via: '1.1 google' });
    answer.pipe(response);
    answer.once('error', () => response.destroy());
  });
  const cancel = hostClock.after(BACKEND_MS, () => onward.destroy());
  onward.once('error', () => respond(response, 502, CUT));
  response.once('close', () => {
    cancel();
    onward.destroy();
  });
  incoming.pipe(onward);
}
