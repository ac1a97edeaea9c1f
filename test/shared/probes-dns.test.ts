import { expect, test } from 'vitest';
import { dnsCheck } from '#shared/probes/checks/dns.ts';
import type { DnsSeen } from '#shared/probes/tools.ts';
import { fakeClock } from '#test/support/clock.ts';
import { toolsOf, within } from '#test/support/probe-tools.ts';

const TARGET = { host: 'aurora.example', port: 443, reach: { private: false, loopback: false } };

const look = (spec: object, seen: DnsSeen) =>
  dnsCheck.bind(spec, TARGET)(toolsOf(fakeClock(), { dns: async () => seen }), within(1_000));
const found = (...addresses: string[]): DnsSeen => ({ found: true, addresses, ms: 1.26 });

test.each<[string, object, DnsSeen]>([
  ['resolves', {}, found('192.0.2.7', '2001:db8::7')],
  ['resolves to where it should', { addresses: ['192.0.2.8', '192.0.2.7'] }, found('192.0.2.7')],
])('a name that %s', async (_, spec, seen) => {
  expect(await look(spec, seen)).toEqual({
    status: 'pass',
    evidence: { addresses: seen.found ? seen.addresses.join(', ') : '', ms: 1.3 },
    remedy: null,
  });
});

test('one that leads elsewhere as well', async () => {
  expect(await look({ addresses: ['192.0.2.7'] }, found('192.0.2.7', '192.0.2.66'))).toEqual({
    status: 'fail',
    evidence: { addresses: '192.0.2.7, 192.0.2.66', ms: 1.3, unexpected: '192.0.2.66', expected: '192.0.2.7' },
    remedy: expect.stringMatching(/leads elsewhere/),
  });
});

test.each([
  ['ENOTFOUND', 'fail', /no such name/],
  ['EBADNAME', 'fail', /no such name/],
  ['ENODATA', 'fail', /without an address/],
  ['ESERVFAIL', 'fail', /DNSSEC/],
  ['ETIMEOUT', 'error', /resolver of the machine/],
  ['ECONNREFUSED', 'error', /resolver of the machine/],
])('%s: %s', async (code, status, remedy) => {
  expect(await look({}, { found: false, code, ms: 4 })).toEqual({
    status,
    evidence: { code, ms: 4 },
    remedy: expect.stringMatching(remedy),
  });
});

test('addresses that are none are refused when the suite is read', () => {
  expect(() => dnsCheck.bind({ addresses: ['aurora.example'] }, TARGET)).toThrow(/IP address/);
});
