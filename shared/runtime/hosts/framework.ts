/**
 * The host that Google's functions-framework is. Its Express app parses and buffers bodies up to 1 GiB before any function
 * runs, answers malformed JSON with an HTML page that holds a stack, and drops half of a Pub/Sub envelope. So our gate
 * stands before it: the body is read here, within our limits, and Express sees a bare request at '/'.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type IncomingMessage, Server, type ServerResponse } from 'node:http';
import type { HostClock } from '#shared/ports/clock.ts';
import { codedError, errorAnswer } from '../answers.ts';
import type { FunctionApp } from '../types.ts';
import { answerWith, write } from './exchange.ts';
import { type Gate, installGate } from './gate.ts';
import type { Served } from './lean.ts';
import { listen } from './listen.ts';

interface Arrived {
  readonly url: string;
  readonly body: Uint8Array;
  readonly closing: () => boolean;
  readonly hostClock: HostClock;
}

type Listener = (request: IncomingMessage, response: ServerResponse) => void;

/** Requests that passed the gate, on their way through Express. */
const arrived = new WeakMap<IncomingMessage, Arrived>();

async function register(app: FunctionApp): Promise<void> {
  const { http } = await import('@google-cloud/functions-framework');
  http(app.name, (request, response) => {
    const passed = arrived.get(request);
    if (passed === undefined) {
      const error = new Error('this server was not gated: register before it listens');
      write(response, errorAnswer(codedError(error)), true);
    } else answerWith({ app, request, response, ...passed });
  });
}

function gateServer(server: Server, app: FunctionApp, hostClock: HostClock): Gate {
  const express = server.listeners('request') as Listener[];
  server.removeAllListeners('request');
  const gate = installGate(server, {
    hostClock,
    limitBytes: () => app.bodyLimitBytes,
    serve(request, response, body) {
      arrived.set(request, { url: request.url ?? '/', body, closing: gate.closing, hostClock });
      // Its parsers skip a request that is read to its end; its router would fail on a broken path in its own way.
      request.url = '/';
      for (const listener of express) listener.call(server, request, response);
    },
  });
  return gate;
}

/**
 * Registers the app under its name with the framework's `http` signature and starts it. The framework's own command makes
 * and starts the server; the one that listens next in this process gets our gate. `close` ends it, for installDrain.
 */
export async function registerWithFramework(
  app: FunctionApp,
  { hostClock }: { readonly hostClock: HostClock },
): Promise<{ close(): Promise<void> }> {
  let gate: Gate | undefined;
  // A documented channel of node:net, published before the port is bound.
  const channel = 'tracing:net.server.listen:asyncStart';
  const onListen = (message: unknown): void => {
    const { server } = message as { readonly server: unknown };
    if (!(server instanceof Server)) return;
    unsubscribe(channel, onListen);
    gate = gateServer(server, app, hostClock);
  };
  await register(app);
  await app.start();
  subscribe(channel, onListen);
  return {
    async close() {
      unsubscribe(channel, onListen);
      await gate?.close();
    },
  };
}

/** The same wiring with a server of our own making: for tests, the bench, and entry points that choose the port. */
export async function serveFramework(
  app: FunctionApp,
  {
    port,
    host = '127.0.0.1',
    hostClock,
  }: { readonly port: number; readonly host?: string; readonly hostClock: HostClock },
): Promise<Served> {
  const { getTestServer } = await import('@google-cloud/functions-framework/testing');
  await register(app);
  await app.start();
  const server = getTestServer(app.name);
  const gate = gateServer(server, app, hostClock);
  const bound = await listen(server, port, host);
  return { port: bound, url: `http://${host}:${bound}`, close: gate.close };
}
