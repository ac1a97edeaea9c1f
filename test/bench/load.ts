/**
 * Load on a server that runs in another process: `connections` callers, each with one request under way. By hand over
 * node:net, because the tool at hand (autocannon) costs 40 µs of CPU a request and this 20: on two cores a client that
 * works harder than the server measures itself. For the same reason the client never sleeps: to wake a process that sleeps
 * on another virtual core costs a server 20 µs a request, which answering a network card would not.
 */
import { connect } from 'node:net';
import type { ServerProcess } from './server-process.ts';
import { quantile } from './stats.ts';

export interface LoadSpec {
  readonly server: ServerProcess;
  /** Default: the server's own. */
  readonly url?: string;
  readonly path: string;
  readonly connections: number;
  /** Ends at the first of the two. */
  readonly seconds: number;
  readonly requests?: number;
  /** The body of the request with this number. Asked once per request, from 0 upwards. */
  readonly body: (index: number) => string;
  /** The one status that counts as answered. */
  readonly expect: number;
  /** True: the client may sleep. Where several processes serve, one that never does takes a processor from them. */
  readonly sleeps?: boolean;
}

export interface LoadResult {
  readonly requests: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** CPU of the server's process; null where the system does not tell. */
  readonly cpuUsPerRequest: number | null;
}

/** @throws Error when any answer is not the one expected (a fast refusal is no figure) or a connection breaks */
export async function load(spec: LoadSpec): Promise<LoadResult> {
  const latencies: number[] = [];
  const limit = spec.requests ?? Number.POSITIVE_INFINITY;
  let sent = 0;
  const cpuBefore = spec.server.cpuUs();
  const startMs = performance.now();
  const endMs = startMs + spec.seconds * 1_000;
  const target = new URL(spec.path, spec.url ?? spec.server.url);
  const next = (): string => requestText(target, spec.body(sent++));
  const caller = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port: Number(target.port), host: target.hostname, noDelay: true });
      const answer = answerReader();
      let sinceMs = 0;
      const ask = (): void => {
        sinceMs = performance.now();
        socket.write(next());
      };
      socket.on('error', reject);
      socket.on('close', () => reject(new Error(`${target.href}: the server closed a connection`)));
      socket.on('connect', ask);
      socket.on('data', (chunk) => {
        const status = answer(chunk);
        if (status === null) return;
        const nowMs = performance.now();
        latencies.push(nowMs - sinceMs);
        if (status !== spec.expect) reject(new Error(`${target.href}: expected only ${spec.expect}, got ${chunk}`));
        if (status === spec.expect && nowMs < endMs && sent < limit) ask();
        else {
          socket.destroy();
          resolve();
        }
      });
    });
  let asking = spec.sleeps !== true;
  const stayAwake = (): void => {
    if (asking) setImmediate(stayAwake);
  };
  stayAwake();
  await Promise.all(Array.from({ length: spec.connections }, caller)).finally(() => {
    asking = false;
  });
  const seconds = (performance.now() - startMs) / 1_000;
  const cpuAfter = spec.server.cpuUs();
  return {
    requests: latencies.length,
    perSecond: latencies.length / seconds,
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    cpuUsPerRequest: cpuBefore === null || cpuAfter === null ? null : (cpuAfter - cpuBefore) / latencies.length,
  };
}

const requestText = (target: URL, body: string): string =>
  `POST ${target.pathname} HTTP/1.1\r\nhost: ${target.host}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

/** Answers the status when the chunk completed an answer, else null. Reads what our servers send: a length, no chunks. */
function answerReader(): (chunk: Buffer) => number | null {
  let head: Buffer | null = null;
  let status = 0;
  let missing = 0;
  return (chunk) => {
    if (missing > 0) {
      missing -= chunk.length;
      return missing > 0 ? null : status;
    }
    head = head === null ? chunk : Buffer.concat([head, chunk]);
    const end = head.indexOf('\r\n\r\n');
    if (end === -1) return null;
    const text = head.toString('latin1', 0, end);
    status = Number(text.slice(9, 12));
    missing = Number(/content-length: (\d+)/i.exec(text)?.[1] ?? 0) - (head.length - end - 4);
    head = null;
    return missing > 0 ? null : status;
  };
}

/** So many requests before anything counts: the engine compiles the hot path meanwhile. At most for `seconds`. */
export async function warmUp(spec: Omit<LoadSpec, 'connections'> & { readonly requests: number }): Promise<void> {
  await load({ ...spec, connections: 10 });
}
