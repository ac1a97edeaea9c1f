import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer as createTcpServer, type Socket } from 'node:net';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { createLatencyProbe, type LatencyProbeOptions } from '#shared/providers/latency-probe.ts';
import { isHost, mayBeCalled } from '#shared/runtime/public-address.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

/** A deployment on this machine, and how often it was connected to and asked. */
async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void) {
  const seen = { connections: 0, requests: 0 };
  const server: Server = createServer((request, response) => {
    seen.requests += 1;
    answer(request, response);
  });
  server.on('connection', () => {
    seen.connections += 1;
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(
    () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(resolve);
      }),
  );
  return { seen, address: { host: '127.0.0.1', port: (server.address() as AddressInfo).port, tls: false } };
}

const probeOf = (options: Partial<LatencyProbeOptions> = {}) =>
  createLatencyProbe({ loopback: true, hostClock, stopwatchMs: () => performance.now(), ...options });
const soon = (ms = 5_000) => ({ deadline: hostClock.now() + ms });

describe('measuring', () => {
  test('asks three times over one connection and takes the middle', async () => {
    const { seen, address } = await serve((_, response) => response.end('here'));
    // The first one connects as well: 90 ms, then 8 and 10.
    const instants = [0, 90, 100, 108, 200, 210];
    expect(await probeOf({ stopwatchMs: () => instants.shift() ?? 0 })(address, soon())).toEqual({ ms: 10 });
    expect(seen).toEqual({ connections: 1, requests: 3 });
  });

  test.each([200, 204, 401, 404, 500, 503])('any answer counts: %i', async (status) => {
    const { address } = await serve((_, response) => void response.writeHead(status).end());
    expect((await probeOf()(address, soon())).ms).toBeGreaterThan(0);
  });

  test('a redirect is an answer, and not followed', async () => {
    const elsewhere = await serve((_, response) => response.end());
    const { seen, address } = await serve(
      (_, response) => void response.writeHead(302, { location: `http://127.0.0.1:${elsewhere.address.port}/` }).end(),
    );
    expect((await probeOf()(address, soon())).ms).toBeGreaterThan(0);
    expect(seen.requests).toBe(3);
    expect(elsewhere.seen.connections).toBe(0);
  });

  test('of a body without end little is read', async () => {
    let written = 0;
    const { seen, address } = await serve((_, response) => {
      const pump = (): void => {
        while (!response.destroyed) {
          written += 16_384;
          if (!response.write(Buffer.alloc(16_384))) return void response.once('drain', pump);
        }
      };
      pump();
    });
    expect((await probeOf()(address, soon())).ms).toBeGreaterThan(0);
    expect(seen.requests).toBe(3);
    // What the sockets hold is written too.
    expect(written).toBeLessThan(64 * 1024 * 1024);
  });

  test.each<[string, (request: IncomingMessage, response: ServerResponse) => void]>([
    ['nobody answers', () => undefined],
    ['the head comes, the body never ends', (_, response) => void response.writeHead(200).write('x')],
    ['the connection is cut', (request) => request.socket.destroy()],
  ])('%s: no latency, by the deadline', async (_, answer) => {
    const { address } = await serve(answer);
    const sinceMs = performance.now();
    expect(await probeOf()(address, soon(200))).toEqual({ ms: null, reason: expect.any(String) });
    expect(performance.now() - sinceMs).toBeLessThan(2_000);
  });

  test('what speaks no HTTP has no latency', async () => {
    const server = createTcpServer((socket: Socket) => socket.resume().end('SSH-2.0-OpenSSH_9.9\r\n'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closers.push(() => new Promise((resolve) => server.close(resolve)));
    const { port } = server.address() as AddressInfo;
    expect((await probeOf()({ host: '127.0.0.1', port, tls: false }, soon())).ms).toBeNull();
  });

  test('whose caller gives up ends', async () => {
    const { address } = await serve(() => undefined);
    const controller = new AbortController();
    const measured = probeOf()(address, { ...soon(), signal: controller.signal });
    setImmediate(() => controller.abort(new Error('shutting down')));
    expect(await measured).toEqual({ ms: null, reason: 'shutting down' });
  });
});

describe('an address that a stranger names', () => {
  const resolves =
    (...found: string[]): NonNullable<LatencyProbeOptions['resolve']> =>
    async () =>
      found.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));

  test.each([
    ['this machine', '127.0.0.1'],
    ['a neighbour', '10.1.2.3'],
    ['the metadata server', '169.254.169.254'],
    ['this machine in IPv6', '::1'],
    ['IPv4 in IPv6', '::ffff:169.254.169.254'],
    ['another URL', 'node.example/@169.254.169.254'],
    ['nothing', ''],
    // What a URL takes for 127.0.0.1, and nobody looks up.
    ['this machine, shortened', '127.1'],
    ['this machine as a number', '2130706433'],
    ['this machine in base 16', '0x7f.1'],
    ['this machine in base 8', '0177.0.0.1'],
  ])('%s: is not called, nor is a name that resolves to it', async (_, host) => {
    const { seen, address } = await serve((_request, response) => response.end());
    const probe = probeOf({ loopback: false, resolve: resolves(host) });
    expect(await probe({ ...address, host }, soon())).toEqual({ ms: null, reason: expect.any(String) });
    expect(await probe({ ...address, host: 'node.example' }, soon(500))).toEqual({
      ms: null,
      reason: expect.any(String),
    });
    expect(seen.connections).toBe(0);
  });

  test('a name with a public and another address is not called', async () => {
    const { seen, address } = await serve((_, response) => response.end());
    const probe = probeOf({ loopback: false, resolve: resolves('127.0.0.1', '93.184.216.34') });
    expect(await probe({ ...address, host: 'node.example' }, soon(500))).toMatchObject({
      reason: expect.stringContaining('127.0.0.1'),
    });
    expect(seen.connections).toBe(0);
  });

  test.each([-1, 65_536, 1.5])('at port %d is none', async (port) => {
    expect(await probeOf()({ host: 'node.example', port, tls: false }, soon())).toEqual({
      ms: null,
      reason: `node.example:${port} is no address that may be called`,
    });
  });

  test('may be this machine where the composition says so', async () => {
    const { address } = await serve((_, response) => response.end());
    const probe = probeOf({ resolve: resolves('127.0.0.1') });
    expect((await probe({ ...address, host: 'node.example' }, soon())).ms).toBeGreaterThan(0);
    expect((await probeOf({ resolve: resolves('10.0.0.1') })({ ...address, host: 'n.example' }, soon())).ms).toBeNull();
  });

  test('the special ranges end where they end', () => {
    const rules = { loopback: false };
    for (const [address, may] of [
      ['9.255.255.255', true],
      ['10.0.0.0', false],
      ['11.0.0.0', true],
      ['100.63.255.255', true],
      ['100.64.0.0', false],
      ['100.128.0.0', true],
      ['172.15.255.255', true],
      ['172.31.255.255', false],
      ['172.32.0.0', true],
      ['192.167.255.255', true],
      ['192.168.0.1', false],
      ['223.255.255.255', true],
      ['224.0.0.1', false],
      ['255.255.255.255', false],
      ['0.0.0.0', false],
      ['2606:4700::1111', true],
      ['2001:db8::1', false],
      ['2002:7f00:1::', false],
      ['64:ff9b::7f00:1', false],
      ['fd00::1', false],
      ['fe80::1', false],
      ['ff02::1', false],
      ['::', false],
      ['fe80::1%eth0', false],
    ] as const)
      expect([address, mayBeCalled(address, rules)]).toEqual([address, may]);
    expect(mayBeCalled('127.8.9.1', { loopback: true })).toBe(true);
    expect(mayBeCalled('::ffff:127.0.0.1', rules)).toBe(false);
    expect(mayBeCalled('::ffff:93.184.216.34', rules)).toBe(false);
  });

  test('no text that is taken for a host changes the origin of its URL', () => {
    const odd = fc.string({ unit: fc.constantFrom(...'ab09.-:@/%[]#?_ \\'), maxLength: 12 });
    fc.assert(
      fc.property(fc.oneof(odd, fc.ipV6(), fc.ipV4()), (host) => {
        if (!isHost(host)) return;
        const url = new URL(`http://${host.includes(':') ? `[${host}]` : host}:8080`);
        expect([url.port, url.pathname, url.username]).toEqual(['8080', '/', '']);
      }),
    );
  });
});
