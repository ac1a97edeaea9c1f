import { createServer, type RequestListener } from 'node:http';
import type { Socket } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { faultOf } from '#shared/probes/tools/connect.ts';
import type { NotAnswered } from '#shared/probes/tools.ts';
import { closeServer, listenOnLoopback } from '#test/support/loopback.ts';
import { getOf, HERE, rawServer, realTools, within } from '#test/support/probe-tools.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

const { http } = realTools();

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  closers.push(() => closeServer(server));
  return listenOnLoopback(server);
}
async function raw(talk: (socket: Socket) => void) {
  const server = await rawServer(talk);
  closers.push(() => server.close());
  return { ...server, url: `http://127.0.0.1:${server.port}/` };
}

/** Writes when asked, and then again and again. */
const drip = (socket: Socket, head: string, piece: string): void => {
  socket.once('data', () => {
    socket.write(head);
    const timer = setInterval(() => socket.write(piece), 5);
    socket.once('close', () => clearInterval(timer));
  });
};
/** As fast as it is taken. */
const flood = (socket: Socket, head: string, piece: Buffer): void => {
  socket.once('data', () => {
    socket.write(head);
    const pump = (): void => {
      while (!socket.destroyed) if (!socket.write(piece)) return void socket.once('drain', pump);
    };
    pump();
  });
};

describe('an answer', () => {
  test('comes as it was given: status, headers, body, and how long it took', async () => {
    const got: { method?: string | undefined; path?: string | undefined; headers: unknown; body: string }[] = [];
    const url = await serve(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      got.push({ method: request.method, path: request.url, headers: request.headers, body });
      response.writeHead(418, { 'x-one': 'a', 'set-cookie': ['b', 'c'] }).end('tea für zwei');
    });
    const seen = await http(
      getOf(`${url}/pot?n=1`, { method: 'POST', headers: { 'x-mine': 'yes' }, body: '{"n":1}' }),
      within(5_000),
    );
    expect(seen).toMatchObject({
      answered: true,
      status: 418,
      headers: { 'x-one': 'a', 'set-cookie': 'b, c' },
      body: 'tea für zwei',
    });
    expect(seen.ms).toBeGreaterThan(0);
    expect(got).toMatchObject([
      {
        method: 'POST',
        path: '/pot?n=1',
        body: '{"n":1}',
        headers: { 'x-mine': 'yes', 'user-agent': 'aurora-probe', connection: 'close' },
      },
    ]);
  });

  test('every request has a connection of its own, and leaves none behind', async () => {
    const { url, connections, open } = await raw((socket) => {
      socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'));
    });
    for (let i = 0; i < 3; i += 1) expect(await http(getOf(url), within(5_000))).toMatchObject({ body: 'ok' });
    expect(connections()).toBe(3);
    await expect.poll(() => open.size).toBe(0);
  });

  test('a redirect is one', async () => {
    const url = await serve((_, response) => void response.writeHead(302, { location: 'http://127.0.0.1:9/' }).end());
    expect(await http(getOf(url), within(5_000))).toMatchObject({
      answered: true,
      status: 302,
      headers: { location: 'http://127.0.0.1:9/' },
    });
  });

  test('what is no UTF-8 is read all the same', async () => {
    const url = await serve((_, response) => void response.end(Buffer.from([0xff, 0x41])));
    expect(await http(getOf(url), within(5_000))).toMatchObject({ body: '\ufffdA' });
  });
});

describe('no answer', () => {
  const DEADLINE = 150;
  test.each<[string, NotAnswered, (socket: Socket) => void]>([
    ['nothing comes', 'timeout', () => undefined],
    ['headers that never end', 'timeout', (socket) => drip(socket, 'HTTP/1.1 200 OK\r\n', 'a: b\r\n')],
    ['a body that drips', 'timeout', (socket) => drip(socket, 'HTTP/1.1 200 OK\r\ncontent-length: 99999\r\n\r\n', 'x')],
    ['provisional answers without end', 'timeout', (socket) => drip(socket, '', 'HTTP/1.1 103 Early Hints\r\n\r\n')],
    [
      'half a body',
      'timeout',
      (socket) => void socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf')),
    ],
    [
      'a body that breaks off',
      'reset',
      (socket) => void socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf')),
    ],
    ['closed before an answer', 'reset', (socket) => void socket.once('data', () => socket.end())],
    ['reset', 'reset', (socket) => void socket.once('data', () => socket.resetAndDestroy())],
    ['no HTTP', 'other', (socket) => void socket.end('SSH-2.0-OpenSSH_9.9\r\n')],
    [
      'a body without end',
      'too_large',
      (socket) => flood(socket, 'HTTP/1.1 200 OK\r\n\r\n', Buffer.alloc(16_384, 'x')),
    ],
    [
      'headers without measure',
      'too_large',
      (socket) => flood(socket, 'HTTP/1.1 200 OK\r\n', Buffer.from(`a: ${'b'.repeat(1_000)}\r\n`)),
    ],
  ])('%s: %s', async (_, reason, talk) => {
    const { url, open } = await raw(talk);
    const sinceMs = performance.now();
    const seen = await http(getOf(url), within(reason === 'timeout' ? DEADLINE : 5_000));
    expect(seen).toMatchObject({ answered: false, reason, detail: expect.stringMatching(/./) });
    expect(performance.now() - sinceMs).toBeLessThan(reason === 'timeout' ? DEADLINE + 1_000 : 4_000);
    await expect.poll(() => open.size).toBe(0);
  });

  test('one byte more than is read', async () => {
    const url = await serve((_, response) => void response.end('12345'));
    expect(await http(getOf(url, { maxBytes: 5 }), within(5_000))).toMatchObject({ answered: true });
    expect(await http(getOf(url, { maxBytes: 4 }), within(5_000))).toMatchObject({
      reason: 'too_large',
      detail: 'expected at most 4 bytes',
    });
  });

  test('nobody listens', async () => {
    const { url, close } = await raw(() => undefined);
    await close();
    expect(await http(getOf(url), within(5_000))).toMatchObject({
      reason: 'refused',
      detail: expect.stringContaining('ECONNREFUSED'),
    });
  });

  test.each(['ftp://127.0.0.1/', 'nonsense', 'file:///etc/passwd'])('%s is no URL of http', async (url) => {
    expect(await http(getOf(url), within(5_000))).toMatchObject({ answered: false, reason: 'other' });
  });

  test('a deadline that has passed costs no connection', async () => {
    const { url, connections } = await raw(() => undefined);
    expect(await http(getOf(url), within(-1))).toMatchObject({ reason: 'timeout' });
    expect(connections()).toBe(0);
  });
});

test.each([
  ['before it was asked', true],
  ['while it is waited for', false],
])('whoever gives up %s learns nothing of the target', async (_, before) => {
  const controller = new AbortController();
  const { url, open } = await raw(() => controller.abort());
  if (before) controller.abort();
  await expect(http(getOf(url), within(5_000, controller.signal))).rejects.toMatchObject({ code: 'deadline_exceeded' });
  await expect.poll(() => open.size).toBe(0);
});

describe('an address', () => {
  /** Knows every name as one of these, of which nobody is asked. */
  const named = (...addresses: string[]) =>
    realTools({
      servers: ['127.0.0.1:1'],
      machine: async () => addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
    }).http;

  const EVERYWHERE = { private: true, loopback: true };
  test.each([
    '169.254.169.254',
    '0xa9.0xfea9fe',
    '0xa9fea9fe',
    '2852039166',
    '169.254.43518',
    '0251.0376.0251.0376',
    '169.254.1.1',
    '[fd00:ec2::254]',
    '[fd20:ce::254]',
    '[fe80::1]',
    '[::ffff:169.254.169.254]',
    '[64:ff9b::a9fe:a9fe]',
    '[2002:a9fe:a9fe::]',
    '100.100.100.200',
    '168.63.129.16',
    '192.0.0.192',
    '0.0.0.0',
    'metadata.google.internal',
    'METADATA.google.internal.',
    'metadata',
    'instance-data.ec2.internal',
  ])('%s is called by nobody', async (host) => {
    const seen = await named('127.0.0.1')(getOf(`http://${host}:1/`, { reach: EVERYWHERE }), within(2_000));
    expect(seen).toMatchObject({ answered: false, reason: 'forbidden_address' });
  });

  test.each(['169.254.169.254', 'fd00:ec2::254', 'fe80::1', '100.100.100.200'])(
    'nor is a name that leads to %s, whatever else it leads to',
    async (address) => {
      const { url, connections } = await raw(() => undefined);
      const { port } = new URL(url);
      const seen = await named('127.0.0.1', address)(
        getOf(`http://node.example:${port}/`, { reach: EVERYWHERE }),
        within(2_000),
      );
      expect(seen).toMatchObject({
        reason: 'forbidden_address',
        detail: expect.stringContaining(`is ${address}, which`),
      });
      expect(connections()).toBe(0);
    },
  );

  test.each([
    ['10.1.2.3', { private: false, loopback: true }],
    ['[fd00::1]', { private: false, loopback: true }],
    ['127.0.0.1', { private: true, loopback: false }],
    ['127.1', { private: true, loopback: false }],
    ['0x7f.1', { private: true, loopback: false }],
    ['[::1]', { private: true, loopback: false }],
    ['localhost', { private: true, loopback: false }],
  ])('%s is called only where that is allowed', async (host, reach) => {
    const seen = await named(host.replace('localhost', '127.0.0.1'))(
      getOf(`http://${host}:1/`, { reach }),
      within(2_000),
    );
    expect(seen).toMatchObject({ reason: 'forbidden_address' });
  });

  test('a name that leads here is asked under its name', async () => {
    const hosts: (string | undefined)[] = [];
    const url = await serve((request, response) => {
      hosts.push(request.headers.host);
      response.end('here');
    });
    const { port } = new URL(url);
    const seen = await named('127.0.0.1')(getOf(`http://node.example:${port}/`), within(5_000));
    expect(seen).toMatchObject({ body: 'here' });
    expect(hosts).toEqual([`node.example:${port}`]);
  });

  test('of several, one that listens is enough', async () => {
    const url = await serve((_, response) => void response.end('here'));
    const { port } = new URL(url);
    const seen = await named('::1', '127.0.0.1')(getOf(`http://node.example:${port}/`), within(5_000));
    expect(seen).toMatchObject({ body: 'here' });
  });

  test('short forms of this machine lead to it where that is allowed', async () => {
    const url = await serve((_, response) => void response.end('here'));
    const { port } = new URL(url);
    expect(await http(getOf(`http://0x7f.1:${port}/`, { reach: HERE }), within(5_000))).toMatchObject({ body: 'here' });
  });

  test('a name that leads elsewhere when it is asked again is not asked again', async () => {
    const url = await serve((_, response) => void response.end('here'));
    const { port } = new URL(url);
    let asked = 0;
    const { http: changing } = realTools({
      servers: ['127.0.0.1:1'],
      machine: async () => [{ address: ++asked === 1 ? '127.0.0.1' : '169.254.169.254', family: 4 }],
    });
    expect(await changing(getOf(`http://node.example:${port}/`), within(5_000))).toMatchObject({ body: 'here' });
    expect(asked).toBe(1);
  });
});

test.each<[readonly string[], NotAnswered]>([
  [['ENETUNREACH'], 'no_route'],
  // The machine has no way to addresses of IPv6, and of the other it was told.
  [['ENETUNREACH', 'ECONNREFUSED'], 'refused'],
  [['ECONNREFUSED', 'ENETUNREACH'], 'refused'],
  [['EHOSTUNREACH'], 'other'],
])('a connection to addresses that end with %j: %s', (codes, reason) => {
  const errors = codes.map((code) => Object.assign(new Error(code), { code }));
  expect(faultOf(new AggregateError(errors))).toMatchObject({ reason });
});
