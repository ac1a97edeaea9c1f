import { getEventListeners } from 'node:events';
import { afterEach, describe, expect, test } from 'vitest';
import type { CheckContext } from '#shared/probes/check.ts';
import type { Resolve } from '#shared/runtime/public-address.ts';
import { fakeClock } from '#test/support/clock.ts';
import { type DnsAnswer, type DnsServer, dnsServer } from '#test/support/dns-server.ts';
import { getOf, HERE, realTools, within } from '#test/support/probe-tools.ts';

const servers: DnsServer[] = [];
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()));
});

const knowsNothing: Resolve = async (host) => {
  throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND' });
};

async function asking(answerOf: (name: string, family: 4 | 6) => DnsAnswer, machine = knowsNothing) {
  const server = await dnsServer(answerOf);
  servers.push(server);
  return { server, ...realTools({ servers: [server.address], machine }) };
}

describe('a name', () => {
  test('has the addresses of both families', async () => {
    const { dns, server } = await asking(() => ['192.0.2.7', '192.0.2.8', '2001:db8::7']);
    const seen = await dns('node.example', within(5_000));
    expect(seen).toEqual({ found: true, addresses: ['192.0.2.7', '192.0.2.8', '2001:db8::7'], ms: expect.any(Number) });
    expect(server.asked.toSorted()).toEqual(['node.example A', 'node.example AAAA']);
  });

  test.each<[string, DnsAnswer, DnsAnswer, object]>([
    ['is not there', 'nxdomain', 'nxdomain', { found: false, code: 'ENOTFOUND' }],
    ['has no address', [], [], { found: false, code: 'ENODATA' }],
    ['has one of IPv4 alone', ['192.0.2.7'], [], { found: true, addresses: ['192.0.2.7'] }],
    ['has one of IPv6 alone', [], ['2001:db8::7'], { found: true, addresses: ['2001:db8::7'] }],
    ['fails where it is kept', 'servfail', 'servfail', { found: false, code: 'ESERVFAIL' }],
    ['fails of one family, and has one of the other', 'servfail', ['2001:db8::7'], { found: true }],
    ['is not told, by nobody who answers', null, null, { found: false, code: 'ETIMEOUT' }],
    ['is not told of one family, and has none of the other', null, [], { found: false, code: 'ETIMEOUT' }],
    ['is told by who speaks no DNS', 'garbage', 'garbage', { found: false, code: 'EBADRESP' }],
  ])('%s', async (_, four, six, expected) => {
    const { dns } = await asking((__, family) => (family === 4 ? four : six));
    const sinceMs = performance.now();
    expect(await dns('node.example', within(400))).toMatchObject(expected);
    expect(performance.now() - sinceMs).toBeLessThan(1_400);
  });

  test('that no server knows may be one of this machine', async () => {
    const { dns, server } = await asking(
      () => 'nxdomain',
      async () => [{ address: '10.0.0.3', family: 4 }],
    );
    expect(await dns('psi-field', within(5_000))).toMatchObject({ found: true, addresses: ['10.0.0.3'] });
    expect(server.asked).toContain('psi-field A');
  });

  test('of this machine is asked of nobody else', async () => {
    const { dns, server } = await asking(
      () => ['192.0.2.7'],
      async () => [{ address: '127.0.0.1', family: 4 }],
    );
    for (const name of ['localhost', 'node.localhost', 'LOCALHOST.'])
      expect(await dns(name, within(5_000))).toMatchObject({ addresses: ['127.0.0.1'] });
    expect(server.asked).toEqual([]);
  });

  test('that the machine looks for without end is not found by the deadline', async () => {
    const { dns } = await asking(
      () => 'nxdomain',
      () => new Promise(() => undefined),
    );
    expect(await dns('node.example', within(150))).toMatchObject({ found: false, code: 'ENOTFOUND' });
    expect(await dns('localhost', within(50))).toMatchObject({ found: false, code: 'ETIMEOUT' });
  });

  test('that is an address needs nobody', async () => {
    const { dns, server } = await asking(() => null);
    expect(await dns('192.0.2.1', within(5_000))).toEqual({ found: true, addresses: ['192.0.2.1'], ms: 0 });
    expect(await dns('2001:db8::1', within(5_000))).toMatchObject({ addresses: ['2001:db8::1'] });
    expect(server.asked).toEqual([]);
  });
});

test.each<[DnsAnswer, string]>([
  ['nxdomain', 'EDENIESALL'],
  [[], 'ENOTFOUND'],
  ['servfail', 'ENOTFOUND'],
  [null, 'ENOTFOUND'],
])('a name that is denied by who answers %j of the root: %s', async (root, code) => {
  const server = await dnsServer(() => 'nxdomain', root);
  servers.push(server);
  const { dns, http } = realTools({ servers: [server.address], machine: knowsNothing });
  expect(await dns('node.example', within(400))).toMatchObject({ found: false, code });
  expect(await http(getOf('http://node.example/'), within(400))).toMatchObject({
    reason: code === 'EDENIESALL' ? 'resolver' : 'dns',
  });
});

test('whoever gives up learns nothing', async () => {
  const controller = new AbortController();
  const { dns } = await asking(() => {
    controller.abort();
    return null;
  });
  await expect(dns('node.example', within(5_000, controller.signal))).rejects.toMatchObject({
    code: 'deadline_exceeded',
  });
});

test('twenty names that hang cost one that does not nothing', async () => {
  const { dns } = await asking((name) => (name === 'well.example' ? ['192.0.2.7'] : null));
  const sinceMs = performance.now();
  const hanging = Array.from({ length: 20 }, (_, i) => dns(`hangs-${i}.example`, within(600)));
  expect(await dns('well.example', within(5_000))).toMatchObject({ found: true });
  expect(performance.now() - sinceMs).toBeLessThan(500);
  expect((await Promise.all(hanging)).every(({ found }) => !found)).toBe(true);
});

test.each<[DnsAnswer, string, string]>([
  ['nxdomain', 'dns', 'node.example: ENOTFOUND'],
  ['servfail', 'dns', 'node.example: ESERVFAIL'],
  [null, 'resolver', 'node.example: ETIMEOUT'],
  [['169.254.169.254'], 'forbidden_address', 'node.example is 169.254.169.254, which may not be called from here'],
])('a connection to a name that is %j: %s', async (answer, reason, detail) => {
  const { http, tls } = await asking((_, family) => (family === 4 ? answer : []));
  expect(await http(getOf('http://node.example/'), within(300))).toMatchObject({ reason, detail });
  const place = { host: 'node.example', port: 443, serverName: 'node.example', authorities: [], revoked: [] };
  expect(await tls({ ...place, reach: { private: true, loopback: true } }, within(300))).toMatchObject({
    reason,
    detail,
  });
});

test('a request whose time is over while its name is looked for knows what it waited for', async () => {
  const queried = Promise.withResolvers<void>();
  const { server } = await asking(() => {
    queried.resolve();
    return null;
  });
  const clock = fakeClock();
  const { http } = realTools({ servers: [server.address], machine: knowsNothing }, [], clock);
  const seen = http(getOf('http://node.example/'), {
    deadline: clock.now() + 300,
    signal: new AbortController().signal,
  });
  await queried.promise;
  await clock.advance(300);
  expect(await seen).toMatchObject({ reason: 'resolver', detail: 'node.example: ETIMEOUT' });
  expect(clock.pending()).toBe(0);
});

test('nothing of an attempt stays with the signal of its run', async () => {
  const { http, tls, dns } = await asking((_, family) => (family === 4 ? ['127.0.0.1'] : []));
  const { signal } = new AbortController();
  const context = (): CheckContext => within(2_000, signal);
  await dns('node.example', context());
  await http(getOf('http://node.example:1/'), context());
  const place = {
    host: 'node.example',
    port: 1,
    serverName: 'node.example',
    authorities: [],
    revoked: [],
    reach: HERE,
  };
  await tls(place, context());
  expect(getEventListeners(signal, 'abort')).toEqual([]);
});
