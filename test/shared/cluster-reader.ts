/** A cluster whose API answers as a test wants, and a reader of it. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { hostClock } from '#shared/adapters/clock/host.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import type { CheckContext } from '#shared/probes/check.ts';
import { type ClusterAccess, clusterHttp } from '#shared/probes/kubernetes/access.ts';
import { createKubernetesReader } from '#shared/probes/kubernetes/reader.ts';
import { closeServer, listenOnLoopback } from '#test/support/loopback.ts';

export const PODS = '/api/v1/namespaces/vaultmesh/pods';
export const TOKEN = 'ya29.a-token-that-nobody-may-see';

export type Answer = (request: IncomingMessage, response: ServerResponse) => void;
const closing: (() => Promise<void>)[] = [];
/** After each test: all that was opened in it. */
export async function closeHouses(): Promise<void> {
  for (const close of closing.splice(0)) await close();
}

interface HouseOptions {
  readonly clock?: HostClock;
  readonly token?: ClusterAccess['token'];
  readonly path?: string;
}

/** A cluster that answers so, and a reader of it. */
export async function house(
  answer: Answer,
  { clock = hostClock, token = async () => TOKEN, path = '' }: HouseOptions = {},
) {
  const asked: { readonly url: string; readonly authorization: string | undefined }[] = [];
  const server = createServer((request, response) => {
    asked.push({ url: request.url ?? '', authorization: request.headers.authorization });
    answer(request, response);
  });
  const origin = await listenOnLoopback(server);
  const access: ClusterAccess = {
    server: origin + path,
    caPem: null,
    token,
    client: null,
    serverName: null,
    verified: true,
  };
  const http = clusterHttp(access, clock);
  const stop = (): Promise<void> => closeServer(server);
  closing.push(() => http.close(), stop);
  const newReader = () => createKubernetesReader({ access, http, hostClock: clock });
  return { asked, host: new URL(origin).host, newReader, reader: newReader(), stop };
}

export const within = (ms: number, more: Partial<CheckContext> = {}, clock: HostClock = hostClock): CheckContext => ({
  deadline: clock.now() + ms,
  signal: new AbortController().signal,
  ...more,
});
export const json = (response: ServerResponse, status: number, body: unknown): void => {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
};
export const named = (name: string) => ({ metadata: { name } });
export const page = (names: readonly string[], next?: string) => ({
  kind: 'PodList',
  metadata: { resourceVersion: '1', ...(next === undefined ? {} : { continue: next }) },
  items: names.map(named),
});
/** A list of one, whose name says how many were asked for. */
export function numbered(): Answer {
  let n = 0;
  return (_, response) => {
    n += 1;
    json(response, 200, page([`a${n}`]));
  };
}
export const pageAsked = (url: string | undefined): string | null =>
  new URL(url ?? '', 'http://x').searchParams.get('continue');
