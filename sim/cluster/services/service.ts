/** What a service of the cluster is, and the server that it answers from. */
import { createServer } from 'node:http';
import type { HostClock } from '#shared/ports/clock.ts';
import { bodyOf, cutter, jsonOf, listen, originOf, pathOf, shut } from '../../loopback.ts';

export interface ServiceRequest {
  readonly method: string;
  readonly path: string;
  /** JSON; undefined: none. */
  readonly body: unknown;
  /** Host epoch milliseconds of its arrival. */
  readonly nowMs: number;
}

export interface ServiceReply {
  readonly status: number;
  /** Sent as JSON, unless it is text. */
  readonly body: unknown;
  /** Of a text. */
  readonly type?: string;
}

export interface Service {
  /** Null: the connection is cut. */
  answer(request: ServiceRequest): ServiceReply | null;
  /** Host milliseconds that the answer takes. */
  delayMs(path: string): number;
}

export interface RunningService {
  readonly url: string;
  close(): Promise<void>;
}

export const TEXT = 'text/plain; charset=utf-8';
export const HTML = 'text/html; charset=utf-8';
export const EXPOSITION = 'text/plain; version=0.0.4; charset=utf-8';

export const json = (body: unknown, status = 200): ServiceReply => ({ status, body });
export const text = (body: string, type = TEXT, status = 200): ServiceReply => ({ status, body, type });

/** @throws RejectedError port_unavailable */
export async function startService(service: Service, hostClock: HostClock, port: number): Promise<RunningService> {
  const server = createServer(async (incoming, response) => {
    const { path } = pathOf(incoming);
    let body: unknown;
    try {
      body = jsonOf(await bodyOf(incoming));
    } catch {
      // Cut off by its sender, or longer than anybody sends: nobody is there to answer.
      return void incoming.socket.destroy();
    }
    const reply = service.answer({ method: incoming.method ?? 'GET', path, body, nowMs: hostClock.now() });
    if (reply === null) return void incoming.socket.destroy();
    const send = (): void => {
      const plain = typeof reply.body === 'string';
      response.writeHead(reply.status, { 'content-type': plain ? (reply.type ?? TEXT) : 'application/json' });
      response.end(plain ? reply.body : JSON.stringify(reply.body));
    };
    const delayMs = service.delayMs(path);
    if (delayMs === 0) return send();
    const cancel = hostClock.after(delayMs, send);
    response.once('close', cancel);
  });
  const cut = cutter(server);
  await listen(server, port);
  return {
    url: originOf(server),
    close() {
      cut();
      return shut(server);
    },
  };
}
