/** The lean host: bare node:http under our gate. Used wherever we choose the server. */
import { createServer, type IncomingMessage } from 'node:http';
import { RejectedError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import { errorAnswer } from '../answers.ts';
import type { FunctionApp } from '../types.ts';
import { answerWith, write } from './exchange.ts';
import { installGate } from './gate.ts';
import { listen } from './listen.ts';

const MAX_HEADER_BYTES = 16 * 1024;
/** How late a timeout may be noticed; Node's own 30 s would triple the one for headers. */
const TIMEOUT_CHECK_MS = 2_000;

export interface Served {
  readonly port: number;
  /** `http://host:port`, no slash at the end. */
  readonly url: string;
  /** No new connection; resolves when every request under way is answered. Drains no app: see installDrain. */
  close(): Promise<void>;
}

export interface LeanOptions {
  /** 0 = any free one. */
  readonly port: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  readonly hostClock: HostClock;
}

/**
 * Serves one app at every path, or several, each under `/<name>/…`. Starts them first.
 * @throws what an app's start throws; RejectedError port_unavailable
 */
export async function serveLean(apps: FunctionApp | readonly FunctionApp[], options: LeanOptions): Promise<Served> {
  const { port, host = '127.0.0.1', hostClock } = options;
  const mounted: readonly FunctionApp[] = 'handle' in apps ? [apps] : apps;
  await Promise.all(mounted.map((app) => app.start()));
  const resolve =
    'handle' in apps ? (request: IncomingMessage) => ({ app: apps, url: request.url ?? '/' }) : byPrefix(apps);

  const server = createServer({
    maxHeaderSize: MAX_HEADER_BYTES,
    connectionsCheckingInterval: TIMEOUT_CHECK_MS,
    noDelay: true,
  });
  const gate = installGate(server, {
    hostClock,
    limitBytes: (request) => resolve(request)?.app.bodyLimitBytes ?? 0,
    serve(request, response, body) {
      const target = resolve(request);
      if (target === null) {
        const names = mounted.map((app) => `/${app.name}/`).join(', ');
        write(response, errorAnswer(new RejectedError('not_found', `expected a path under ${names}`)), gate.closing());
      } else answerWith({ ...target, request, response, body, closing: gate.closing, hostClock });
    },
  });
  const bound = await listen(server, port, host);
  return { port: bound, url: `http://${host}:${bound}`, close: gate.close };
}

function byPrefix(apps: readonly FunctionApp[]) {
  const byName = new Map(apps.map((app) => [app.name, app]));
  return (request: IncomingMessage): { readonly app: FunctionApp; readonly url: string } | null => {
    const [, name = '', rest = ''] = /^\/([^/?]+)(.*)$/s.exec(request.url ?? '/') ?? [];
    const app = byName.get(name);
    return app === undefined ? null : { app, url: rest.startsWith('/') ? rest : `/${rest}` };
  };
}
