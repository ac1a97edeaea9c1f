/**
 * HTTP over kept-alive connections. On undici's dispatcher rather than node:http: 36 against 95 µs of CPU per call, 16
 * calls at a time over loopback. Importing undici takes 50 ms, so only functions that call others import this file.
 */
import type { LookupFunction } from 'node:net';
import { Agent } from 'undici';
import { MAX_HTTP_BODY_BYTES } from '#shared/defaults.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import { exchange, type HttpAnswer, type HttpRequest } from './http-exchange.ts';
import { openStream, type StreamedAnswer } from './http-stream.ts';

export interface HttpClientOptions {
  readonly hostClock: HostClock;
  /** Per origin; more callers than this wait in line, inside their deadline. */
  readonly maxConnections?: number;
  /** Largest answer that is read, where a request does not say. */
  readonly maxBytes?: number;
  /** Of names; default: the system's. */
  readonly lookup?: LookupFunction;
  /** Whom it believes, and as whom it shows itself; default: the public authorities, nobody. */
  readonly tls?: ClientTls;
}

export interface ClientTls {
  /** Authorities of servers' certificates, PEM, instead of the public ones. */
  readonly ca?: string;
  /** Of the client, PEM. */
  readonly cert?: string;
  readonly key?: string;
  /** Name in the server's certificate, where it is not the host's. */
  readonly servername?: string;
  /** False: whoever answers is believed. */
  readonly rejectUnauthorized?: boolean;
}

export type PostOptions = Pick<HttpRequest, 'deadlineMs' | 'signal' | 'headers'>;

type ClientRequest = Omit<HttpRequest, 'maxBytes'> & { readonly maxBytes?: number };

export interface HttpClient {
  /** As `exchange` says. */
  exchange(request: ClientRequest): Promise<HttpAnswer>;
  /** As `openStream` says. */
  open(request: ClientRequest): Promise<StreamedAnswer>;
  /** Posts a value as JSON, otherwise the same. */
  postJson(url: string, body: unknown, options: PostOptions): Promise<HttpAnswer>;
  close(): Promise<void>;
}

const MAX_CONNECTIONS = 64;
/** Below every server's keep-alive, so that we and not the server close an idle connection: no race, no lost request. */
const IDLE_CONNECTION_MS = 4_000;

export function createHttpClient({
  hostClock,
  maxConnections = MAX_CONNECTIONS,
  maxBytes = MAX_HTTP_BODY_BYTES * 4,
  lookup,
  tls,
}: HttpClientOptions): HttpClient {
  const agent = new Agent({
    connections: maxConnections,
    pipelining: 1,
    keepAliveTimeout: IDLE_CONNECTION_MS,
    // The deadline of each call bounds both.
    headersTimeout: 0,
    bodyTimeout: 0,
    ...(lookup === undefined && tls === undefined
      ? {}
      : { connect: { ...(lookup === undefined ? {} : { lookup }), ...tls } }),
  });
  return {
    exchange: (request) => exchange(agent, hostClock, { maxBytes, ...request }),
    open: (request) => openStream(agent, hostClock, { maxBytes, ...request }),
    postJson: (url, body, { headers, ...options }) =>
      exchange(agent, hostClock, {
        ...options,
        url,
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: JSON.stringify(body),
        maxBytes,
      }),
    close: () => agent.destroy(),
  };
}
