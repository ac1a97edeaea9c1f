import type { Socket } from 'node:net';
import { createServer, type Server } from 'node:tls';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { hostClock } from '#shared/adapters/clock/host.ts';
import type { NotAnswered, TlsProbe } from '#shared/probes/tools.ts';
import { createAuthority, TLS_NAMES, type TlsName } from '#sim/cluster/tls/identities.ts';
import { getOf, HERE, rawServer, realTools, within } from '#test/support/probe-tools.ts';

const DAY_MS = 86_400_000;
const nowMs = hostClock.now();
const authority = createAuthority(['well.example'], nowMs);
const identities = authority.identitiesAt(nowMs);
/** Every name is one of this machine. */
const here = { servers: ['127.0.0.1:1'], machine: async () => [{ address: '127.0.0.1', family: 4 }] };
const { http, tls } = realTools(here);

const ports = new Map<TlsName, number>();
const servers: Server[] = [];
beforeAll(async () => {
  for (const name of TLS_NAMES) {
    const server = createServer(identities[name], (socket) => {
      socket.on('error', () => socket.destroy());
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok'));
    });
    server.on('tlsClientError', () => undefined);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    servers.push(server);
    const address = server.address();
    if (typeof address === 'object' && address !== null) ports.set(name, address.port);
  }
});
afterAll(async () => {
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
});
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

const trusted: readonly string[] = [authority.caPem];
const probeOf = (port: number, more: Partial<TlsProbe> = {}): TlsProbe => ({
  host: 'well.example',
  port,
  serverName: 'well.example',
  authorities: trusted,
  revoked: [],
  reach: HERE,
  ...more,
});
const portOf = (name: TlsName): number => ports.get(name) ?? 0;

describe('who is there', () => {
  test.each<[TlsName, string | null, number, number]>([
    ['valid', null, 70, 3],
    ['expiring', null, 5, 3],
    ['expired', 'CERT_HAS_EXPIRED', -1, 3],
    ['wrong_host', 'ERR_TLS_CERT_ALTNAME_INVALID', 70, 3],
    ['self_signed', 'DEPTH_ZERO_SELF_SIGNED_CERT', 70, 1],
    ['chain_incomplete', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 70, 1],
    ['revoked', 'CERT_REVOKED', 3650, 3],
  ])('%s: fault %s, with its dates', async (name, fault, days, length) => {
    const seen = await tls(probeOf(portOf(name), { revoked: authority.crlPems }), within(5_000));
    expect(seen).toMatchObject({ connected: true, fault, protocol: 'TLSv1.3' });
    if (!seen.connected) return;
    expect(seen.chain.map(({ subject }) => subject)).toEqual(
      [name === 'wrong_host' ? 'elsewhere.example' : 'well.example', 'Simulated Intermediate', 'Simulated Root'].slice(
        0,
        length,
      ),
    );
    expect(Math.abs((seen.chain[0]?.validToMs ?? 0) - nowMs - days * DAY_MS)).toBeLessThan(5_000);
    expect(seen.chain[0]?.issuer).toBe(name === 'self_signed' ? 'well.example' : 'Simulated Intermediate');
    expect(seen.ms).toBeGreaterThan(0);
  });

  test('whom nobody vouches for is seen all the same', async () => {
    const seen = await tls(probeOf(portOf('valid'), { authorities: [] }), within(5_000));
    expect(seen).toMatchObject({ connected: true, fault: expect.stringMatching(/^UNABLE_TO_/), chain: [{}, {}] });
  });

  test('what was revoked is known only from a list; half of the lists is none', async () => {
    expect(await tls(probeOf(portOf('revoked')), within(5_000))).toMatchObject({ fault: null });
    const [, ofIntermediate = ''] = authority.crlPems;
    expect(await tls(probeOf(portOf('valid'), { revoked: [ofIntermediate] }), within(5_000))).toMatchObject({
      fault: 'UNABLE_TO_GET_CRL',
    });
  });

  test('the authorities of the composition count as well as those of a probe', async () => {
    const both = realTools(here, trusted);
    expect(await both.tls(probeOf(portOf('valid'), { authorities: [] }), within(5_000))).toMatchObject({ fault: null });
    expect(await both.http(getOf(`https://well.example:${portOf('valid')}/`), within(5_000))).toMatchObject({
      body: 'ok',
    });
  });

  test('an address is asked without a name, and is not in this certificate', async () => {
    expect(
      await tls(probeOf(portOf('valid'), { host: '127.0.0.1', serverName: '127.0.0.1' }), within(5_000)),
    ).toMatchObject({ fault: 'ERR_TLS_CERT_ALTNAME_INVALID' });
  });
});

test.each<[TlsName, RegExp | null]>([
  ['valid', null],
  ['expiring', null],
  ['expired', /CERT_HAS_EXPIRED|certificate has expired/],
  ['wrong_host', /ERR_TLS_CERT_ALTNAME_INVALID/],
  ['self_signed', /DEPTH_ZERO_SELF_SIGNED_CERT|self-signed/],
  ['chain_incomplete', /UNABLE_TO_VERIFY_LEAF_SIGNATURE/],
])('a request to one that is %s', async (name, fault) => {
  const url = `https://well.example:${portOf(name)}/`;
  const seen = await http(getOf(url, { authorities: trusted }), within(5_000));
  if (fault === null) expect(seen).toMatchObject({ answered: true, body: 'ok' });
  else expect(seen).toMatchObject({ answered: false, reason: 'tls', detail: expect.stringMatching(fault) });
});

describe('nobody to be seen', () => {
  const DEADLINE = 150;
  test.each<[string, NotAnswered, (socket: Socket) => void]>([
    ['who hangs before the handshake', 'timeout', () => undefined],
    [
      'who hangs in the middle of it',
      'timeout',
      // A handshake record of 64 KiB is announced.
      (socket) => void socket.once('data', () => socket.write(Buffer.from([22, 3, 3, 0x40, 0, 2, 0]))),
    ],
    ['who hangs up', 'reset', (socket) => void socket.once('data', () => socket.end())],
    ['who resets', 'reset', (socket) => void socket.once('data', () => socket.resetAndDestroy())],
    [
      'who speaks plain HTTP',
      'tls',
      (socket) => void socket.once('data', () => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')),
    ],
    [
      'who sends an alert',
      'tls',
      (socket) => void socket.once('data', () => socket.end(Buffer.from([21, 3, 3, 0, 2, 2, 40]))),
    ],
  ])('%s: %s', async (_, reason, talk) => {
    const server = await rawServer(talk);
    closers.push(() => server.close());
    const ms = reason === 'timeout' ? DEADLINE : 5_000;
    const sinceMs = performance.now();
    expect(await tls(probeOf(server.port), within(ms))).toMatchObject({ connected: false, reason });
    expect(await http(getOf(`https://well.example:${server.port}/`), within(ms))).toMatchObject({
      answered: false,
      reason,
    });
    expect(performance.now() - sinceMs).toBeLessThan(2 * DEADLINE + 2_000);
    await expect.poll(() => server.open.size).toBe(0);
  });

  test('nobody listens', async () => {
    const server = await rawServer(() => undefined);
    await server.close();
    expect(await tls(probeOf(server.port), within(5_000))).toMatchObject({ connected: false, reason: 'refused' });
  });

  test('whoever gives up learns nothing', async () => {
    const controller = new AbortController();
    const server = await rawServer(() => controller.abort());
    closers.push(() => server.close());
    await expect(tls(probeOf(server.port), within(5_000, controller.signal))).rejects.toMatchObject({
      code: 'deadline_exceeded',
    });
    await expect.poll(() => server.open.size).toBe(0);
  });

  test.each(['169.254.169.254', '0xa9fea9fe', 'fd00:ec2::254', 'metadata.google.internal'])(
    '%s is not called',
    async (host) => {
      const reach = { private: true, loopback: true };
      expect(await tls(probeOf(443, { host, reach }), within(2_000))).toMatchObject({ reason: 'forbidden_address' });
    },
  );
});
