import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createHttpClient, type HttpClient } from '#shared/runtime/http-client.ts';
import { fakeClock } from '#test/support/clock.ts';

let respond: (request: IncomingMessage, response: ServerResponse) => void;
let connections = 0;
const server = createServer((request, response) => respond(request, response));
server.on('connection', () => {
  connections += 1;
});
let url: string;
let clock: ReturnType<typeof fakeClock>;
let client: HttpClient;

beforeEach(async () => {
  connections = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/door?x=1`;
  clock = fakeClock();
  client = createHttpClient({ hostClock: clock, maxConnections: 1, maxBytes: 1_000 });
});
afterEach(async () => {
  await client.close();
  server.closeAllConnections();
  await new Promise<void>((resolve) => server.close(() => resolve()));
  expect(clock.pending()).toBe(0);
});

test('posts JSON over one kept connection and answers status, headers and bytes', async () => {
  respond = async (request, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    response.writeHead(202, {
      'x-path': request.url,
      'x-type': request.headers['content-type'],
      'x-own': request.headers['x-own'],
    });
    response.end(body);
  };
  for (const n of [1, 2]) {
    const answer = await client.postJson(url, { n }, { deadlineMs: 1_000, headers: { 'x-own': 'yes' } });
    expect(answer).toMatchObject({
      status: 202,
      headers: { 'x-path': '/door?x=1', 'x-type': 'application/json', 'x-own': 'yes' },
    });
    expect(Buffer.from(answer.bytes).toString()).toBe(`{"n":${n}}`);
  }
  expect(connections).toBe(1);
});

test('the deadline counts while the answer is awaited, and while a connection is', async () => {
  const arrived = Promise.withResolvers<void>();
  respond = () => arrived.resolve();
  const first = client.postJson(url, {}, { deadlineMs: 200 });
  const waiting = client.postJson(url, {}, { deadlineMs: 150 });
  const ends = Promise.all([
    expect(first).rejects.toMatchObject({ code: 'deadline_exceeded', message: expect.stringContaining('200 ms') }),
    expect(waiting).rejects.toMatchObject({ code: 'deadline_exceeded', message: expect.stringContaining('150 ms') }),
  ]);
  await arrived.promise;
  await clock.advance(200);
  await ends;
});

test('a caller that gives up gets its own reason', async () => {
  const controller = new AbortController();
  const reason = new Error('changed my mind');
  respond = () => controller.abort(reason);
  await expect(client.postJson(url, {}, { deadlineMs: 100, signal: controller.signal })).rejects.toBe(reason);
  await expect(client.postJson(url, {}, { deadlineMs: 100, signal: controller.signal })).rejects.toBe(reason);
});

test.each([
  [
    'an answer that is too large',
    (_: IncomingMessage, response: ServerResponse) => response.end('x'.repeat(1_001)),
    'at most 1000 bytes',
  ],
  [
    'an answer that breaks off',
    (_: IncomingMessage, response: ServerResponse) => {
      response.writeHead(200, { 'content-length': 10 });
      response.write('half');
      setImmediate(() => response.destroy());
    },
    '127.0.0.1',
  ],
  ['a connection that is cut', (request: IncomingMessage) => request.destroy(), '127.0.0.1'],
] as const)('%s is an upstream that is not available', async (_, answer, message) => {
  respond = answer;
  await expect(client.postJson(url, {}, { deadlineMs: 1_000 })).rejects.toMatchObject({
    code: 'upstream_unavailable',
    message: expect.stringContaining(message),
  });
  respond = (_request, response) => response.end('well');
  expect((await client.postJson(url, {}, { deadlineMs: 1_000 })).status).toBe(200);
});

test('nobody listens', async () => {
  const dead = createServer();
  await new Promise<void>((resolve) => dead.listen(0, '127.0.0.1', resolve));
  const { port } = dead.address() as AddressInfo;
  await new Promise((resolve) => dead.close(resolve));
  await expect(client.postJson(`http://127.0.0.1:${port}/`, {}, { deadlineMs: 1_000 })).rejects.toMatchObject({
    code: 'upstream_unavailable',
    message: expect.stringContaining('ECONNREFUSED'),
  });
});

describe('a streamed answer', () => {
  const open = (
    more: { readonly deadlineMs?: number; readonly signal?: AbortSignal; readonly maxBytes?: number } = {},
  ) => client.open({ url, method: 'GET', deadlineMs: 1_000, headers: { 'x-own': 'yes' }, ...more });
  async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
    let text = '';
    for await (const chunk of body) text += Buffer.from(chunk).toString();
    return text;
  }

  test('is read as it comes', async () => {
    const goOn = Promise.withResolvers<void>();
    respond = async (request, response) => {
      response.writeHead(206);
      response.write(`${request.method} ${request.url} ${request.headers['x-own']} `);
      await goOn.promise;
      response.end('and the rest');
    };
    const { status, body } = await open();
    expect(status).toBe(206);
    let text = '';
    for await (const chunk of body) {
      text += Buffer.from(chunk).toString();
      goOn.resolve();
    }
    expect(text).toBe('GET /door?x=1 yes and the rest');
  });

  test('is cut at its limit, and its connection given up', async () => {
    const closed = Promise.withResolvers<void>();
    respond = (_, response) => {
      response.on('close', closed.resolve);
      response.write('x'.repeat(700));
    };
    expect(await textOf((await open({ maxBytes: 500 })).body)).toBe('x'.repeat(500));
    await closed.promise;
  });

  test('who leaves the loop leaves no timer and no connection behind', async () => {
    const closed = Promise.withResolvers<void>();
    respond = (_, response) => {
      response.on('close', closed.resolve);
      response.write('x');
    };
    for await (const _ of (await open()).body) break;
    await closed.promise;
  });

  test.each([
    ['before it begins', () => undefined],
    ['in the middle', (_: IncomingMessage, response: ServerResponse) => void response.write('x')],
  ])('ends by its deadline, %s', async (_, answer) => {
    const arrived = Promise.withResolvers<void>();
    respond = (request, response) => {
      answer(request, response);
      arrived.resolve();
    };
    const read = open({ deadlineMs: 200 }).then(({ body }) => textOf(body));
    const told = expect(read).rejects.toMatchObject({ code: 'deadline_exceeded' });
    await arrived.promise;
    // The first bytes are on their way through the kernel.
    await new Promise((resolve) => setTimeout(resolve, 20));
    await clock.advance(200);
    await told;
  });

  test('that nobody reads ends by its deadline too', async () => {
    const closed = Promise.withResolvers<void>();
    respond = (_, response) => {
      response.on('close', closed.resolve);
      response.write('x');
    };
    await open({ deadlineMs: 200 });
    await clock.advance(200);
    await closed.promise;
  });

  test('a caller that gives up gets its own reason, before and in the middle', async () => {
    const reason = new Error('changed my mind');
    await expect(open({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const left = new AbortController();
    respond = (_, response) => void response.write('x');
    const { body } = await open({ signal: left.signal });
    const read = textOf(body);
    left.abort(reason);
    await expect(read).rejects.toBe(reason);
  });

  test('that breaks off is the server’s failure', async () => {
    respond = (_, response) => {
      response.writeHead(200, { 'content-length': 10 });
      response.write('half');
      setImmediate(() => response.destroy());
    };
    const read = open().then(({ body }) => textOf(body));
    await expect(read).rejects.toMatchObject({ code: 'upstream_unavailable' });
  });
});
