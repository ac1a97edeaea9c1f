/** Tools of probes on this machine, and servers that misbehave. */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { hostClock } from '#shared/adapters/clock/host.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import type { CheckContext, Reach } from '#shared/probes/check.ts';
import { createConnect } from '#shared/probes/tools/connect.ts';
import { createDnsTool, type DnsToolOptions } from '#shared/probes/tools/dns.ts';
import { createHttpTool, type HttpToolOptions } from '#shared/probes/tools/http.ts';
import { createTlsTool } from '#shared/probes/tools/tls.ts';
import type { HttpProbe, HttpSeen, LoopReader, ProbeTools } from '#shared/probes/tools.ts';

export const HERE: Reach = { private: false, loopback: true };

export const within = (ms: number, signal = new AbortController().signal): CheckContext => ({
  deadline: hostClock.now() + ms,
  signal,
});

/** The tools that look over the network; names are looked up as `names` says. */
export function realTools(
  names: Pick<DnsToolOptions, 'servers' | 'machine'> = {},
  authorities: readonly string[] = [],
  clock: HostClock = hostClock,
  stopwatchMs: () => number = () => performance.now(),
  identity: HttpToolOptions['identity'] = null,
) {
  const base = { hostClock: clock, stopwatchMs };
  const dns = createDnsTool({ ...base, ...names });
  const connected = { ...base, connect: createConnect(dns), authorities };
  return { dns, http: createHttpTool({ ...connected, identity }), tls: createTlsTool(connected) };
}

export const getOf = (url: string, more: Partial<HttpProbe> = {}): HttpProbe => ({
  url,
  method: 'GET',
  headers: {},
  body: null,
  maxBytes: 65_536,
  reach: HERE,
  ...more,
});

export interface RawServer {
  readonly port: number;
  /** Sockets that are open now. */
  readonly open: ReadonlySet<Socket>;
  connections(): number;
  close(): Promise<void>;
}

/** Bytes by hand, for what no server of HTTP would send. */
export async function rawServer(talk: (socket: Socket) => void): Promise<RawServer> {
  const open = new Set<Socket>();
  let connections = 0;
  const server: Server = createServer((socket) => {
    connections += 1;
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    // Whoever probes hangs up in the middle: that is what is tried.
    socket.on('error', () => socket.destroy());
    talk(socket);
    // Its end is seen only by who reads.
    socket.resume();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    open,
    connections: () => connections,
    close: async () => {
      for (const socket of open) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** Answers from a list, the last again and again. */
export function toldHttp(answers: readonly HttpSeen[]): { http: ProbeTools['http']; asked: HttpProbe[] } {
  const asked: HttpProbe[] = [];
  return {
    asked,
    http: async (request) => {
      const seen = answers[Math.min(asked.length, answers.length - 1)];
      asked.push(request);
      if (seen === undefined) throw new Error('expected an answer to tell');
      return seen;
    },
  };
}

export const answered = (body: unknown, more: Partial<Extract<HttpSeen, { answered: true }>> = {}): HttpSeen => ({
  answered: true,
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: typeof body === 'string' ? body : JSON.stringify(body),
  ms: 12.34,
  ...more,
});

const unexpected = async (): Promise<never> => {
  throw new Error('this check looks with another tool');
};

/** Tools of which a test gives those that its check uses. */
export const toolsOf = (clock: HostClock, given: Partial<ProbeTools>): ProbeTools => ({
  hostClock: clock,
  stopwatchMs: () => clock.now(),
  http: unexpected,
  tls: unexpected,
  dns: unexpected,
  kubernetes: () => ({ get: unexpected, list: unexpected }),
  loop: null,
  publishJob: null,
  ...given,
});

export const loopThat = (given: Partial<LoopReader>): LoopReader => ({
  newCanaryId: () => 'canary-1',
  publishCanary: unexpected,
  hasCanary: unexpected,
  deadLetters: unexpected,
  championAgeMs: unexpected,
  offersAgeMs: unexpected,
  ...given,
});
