/** What a service of the cluster is, and the server that it answers from. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { HostClock } from '#shared/ports/clock.ts';
import { bodyOrCut, cutter, jsonOf, listen, originOf, pathOf, respond, shut } from '../../loopback.ts';

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
  /** Of a text that is not plain. */
  readonly type?: string;
}

export interface Service {
  /** Whether it cuts every connection. */
  isDown(): boolean;
  answer(request: ServiceRequest): ServiceReply;
  /** Host milliseconds that the answer takes. */
  delayMs(path: string): number;
}

/** How it is seen from outside: null, the connection is cut. */
export interface SeenService extends Pick<Service, 'delayMs'> {
  answer(request: ServiceRequest): ServiceReply | null | Promise<ServiceReply | null>;
}

export interface RunningService {
  readonly url: string;
  close(): Promise<void>;
}

export const HTML = 'text/html; charset=utf-8';
export const EXPOSITION = 'text/plain; version=0.0.4; charset=utf-8';

export const json = (body: unknown, status = 200): ServiceReply => ({ status, body });
export const text = (body: string, type?: string, status = 200): ServiceReply => ({
  status,
  body,
  ...(type === undefined ? {} : { type }),
});

/** @throws RejectedError port_unavailable */
export async function startService(service: SeenService, hostClock: HostClock, port: number): Promise<RunningService> {
  async function serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const sent = await bodyOrCut(incoming);
    if (sent === null) return;
    const { path } = pathOf(incoming);
    const nowMs = hostClock.now();
    const reply = await service.answer({ method: incoming.method ?? 'GET', path, body: jsonOf(sent), nowMs });
    if (reply === null) {
      incoming.socket.destroy();
      return;
    }
    const delayMs = service.delayMs(path);
    if (delayMs === 0) send(response, reply);
    else
      response.once(
        'close',
        hostClock.after(delayMs, () => send(response, reply)),
      );
  }
  const server = createServer((incoming, response) => {
    serve(incoming, response).catch((error: unknown) => send(response, text(String(error), undefined, 500)));
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

const send = (response: ServerResponse, { status, body, type }: ServiceReply): void =>
  respond(response, status, body, type);
