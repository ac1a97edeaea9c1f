import { describe, expect, test } from 'vitest';
import { evidence } from '#shared/domain/probe.ts';
import { tlsCheck } from '#shared/probes/checks/tls.ts';
import type { CertificateSeen, HttpSeen, NotAnswered, TlsProbe, TlsSeen } from '#shared/probes/tools.ts';
import { fakeClock } from '#test/support/clock.ts';
import { answered, HERE, toldHttp, toolsOf, within } from '#test/support/probe-tools.ts';

const NOW = Date.UTC(2026, 5, 1);
const DAY_MS = 86_400_000;
const clock = fakeClock(NOW);
const TARGET = { host: 'aurora.example', port: 443, reach: { private: false, loopback: false } };

const certificate = (daysLeft: number, lifeDays = 90, subject = 'aurora.example'): CertificateSeen => ({
  subject,
  issuer: 'An Authority',
  validFromMs: NOW + (daysLeft - lifeDays) * DAY_MS,
  validToMs: NOW + daysLeft * DAY_MS,
  fingerprint: subject,
});
const shows = (fault: string | null, ...chain: readonly CertificateSeen[]): TlsSeen => ({
  connected: true,
  fault,
  chain,
  protocol: 'TLSv1.3',
  ms: 5,
});

async function look(spec: object, answers: readonly TlsSeen[], pages: readonly HttpSeen[] = []) {
  const probes: TlsProbe[] = [];
  const { http, asked } = toldHttp(pages);
  const tools = toolsOf(clock, {
    http,
    tls: async (probe) => {
      const seen = answers[probes.length];
      probes.push(probe);
      if (seen === undefined) throw new Error(`expected no look at ${probe.host}`);
      return seen;
    },
  });
  const verdict = await tlsCheck.bind(spec, TARGET)(tools, within(10_000));
  expect(evidence.parse(verdict.evidence)).toEqual(verdict.evidence);
  return { verdict, probes, asked };
}

const well = (daysLeft: number, life: number) => ({
  host: 'aurora.example',
  fault: null,
  issuer: 'An Authority',
  expires: new Date(NOW + daysLeft * DAY_MS).toISOString(),
  days_left: daysLeft,
  life_percent: life,
  protocol: 'TLSv1.3',
});

describe('a host that proves who it is', () => {
  test('and will for a while', async () => {
    const { verdict, probes } = await look({}, [shows(null, certificate(60), certificate(900, 3_650, 'An Authority'))]);
    expect(verdict).toEqual({ status: 'pass', evidence: well(60, 66.7), remedy: null });
    expect(probes).toEqual([{ ...TARGET, serverName: 'aurora.example', authorities: [], revoked: [] }]);
  });

  test('under another name', async () => {
    const { verdict, probes } = await look({ server_name: 'api.example' }, [shows(null, certificate(60))]);
    expect(verdict.evidence['host']).toBe('api.example');
    expect(probes).toMatchObject([{ host: 'aurora.example', serverName: 'api.example' }]);
  });

  test.each<[string, object, CertificateSeen, boolean]>([
    ['at its limit of days', {}, certificate(14), true],
    ['below its limit of days', {}, certificate(13.9), false],
    ['above the days, below its share of a long life', {}, certificate(30, 398), false],
    ['the same where that is allowed', { min_life_percent: 5 }, certificate(30, 398), true],
    ['one of a week, where that is allowed', { min_days: 2 }, certificate(6, 7), true],
    ['one of a week that is nearly over', { min_days: 0.1 }, certificate(0.5, 7), false],
  ])('%s', async (_, spec, leaf, passes) => {
    expect((await look(spec, [shows(null, leaf)])).verdict.status).toBe(passes ? 'pass' : 'fail');
  });
});

describe('one that ends', () => {
  test('soon', async () => {
    const { verdict } = await look({}, [shows(null, certificate(5))]);
    expect(verdict).toEqual({
      status: 'fail',
      evidence: { ...well(5, 5.6), min_days: 14, min_life_percent: 10 },
      remedy: expect.stringMatching(/was not renewed/),
    });
  });

  test('because who signed it does', async () => {
    const { verdict } = await look({}, [shows(null, certificate(60), certificate(3, 1_000, 'An Authority'))]);
    expect(verdict).toMatchObject({
      status: 'fail',
      evidence: { days_left: 3, ends_first: 'An Authority', host: 'aurora.example' },
    });
  });

  test.each<[string, CertificateSeen, object]>([
    ['has ended by the clock, though OpenSSL said nothing', certificate(-1), { days_left: -1, life_percent: 0 }],
    ['has not begun', certificate(100, 90), { days_left: 100, life_percent: 100 }],
    [
      'has dates that nobody can read',
      { ...certificate(60), validToMs: Number.NaN },
      { expires: 'not readable', days_left: -1 },
    ],
  ])('or %s', async (_, leaf, expected) => {
    const { verdict } = await look({}, [shows(null, leaf)]);
    expect(verdict).toMatchObject({
      status: 'fail',
      evidence: expected,
      remedy: expect.stringMatching(/not valid now/),
    });
  });
});

describe('one that is not to be trusted still tells its date', () => {
  test.each<[string, RegExp]>([
    ['CERT_HAS_EXPIRED', /has expired/],
    ['CERT_NOT_YET_VALID', /not valid yet/],
    ['CERT_REVOKED', /was revoked/],
    ['UNABLE_TO_GET_CRL', /do not cover/],
    ['ERR_TLS_CERT_ALTNAME_INVALID', /other names/],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', /signed itself/],
    ['SELF_SIGNED_CERT_IN_CHAIN', /authority/],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', /whole chain/],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', /whole chain/],
    ['CERT_SIGNATURE_FAILURE', /not trusted/],
    ['toString', /not trusted/],
  ])('%s', async (fault, remedy) => {
    const { verdict } = await look({}, [shows(fault, certificate(60))]);
    expect(verdict).toEqual({
      status: 'fail',
      evidence: { ...well(60, 66.7), fault },
      remedy: expect.stringMatching(remedy),
    });
  });

  test('one that shows nothing', async () => {
    const { verdict } = await look({}, [shows('UNABLE_TO_GET_ISSUER_CERT')]);
    expect(verdict).toEqual({
      status: 'fail',
      evidence: { host: 'aurora.example', protocol: 'TLSv1.3' },
      remedy: 'It shows no certificate: configure one.',
    });
  });
});

test.each<[NotAnswered, 'fail' | 'error']>([
  ['refused', 'fail'],
  ['timeout', 'fail'],
  ['tls', 'fail'],
  ['dns', 'fail'],
  ['reset', 'fail'],
  ['resolver', 'error'],
  ['no_route', 'error'],
  ['forbidden_address', 'error'],
])('one that is not reached, for %s: %s', async (reason, status) => {
  const { verdict } = await look({}, [{ connected: false, reason, detail: 'as told', ms: 2 }]);
  expect(verdict).toEqual({
    status,
    evidence: { host: 'aurora.example', reason, detail: 'as told', ms: 2 },
    remedy: expect.stringMatching(/./),
  });
});

describe('where it redirects to', () => {
  const to = (location: string): HttpSeen => answered('', { status: 301, headers: { location }, ms: 1 });
  const good = shows(null, certificate(60));

  test('each host is looked at once, those without TLS are not', async () => {
    const { verdict, probes, asked } = await look(
      { redirects: { path: '/start' } },
      [good, good, good],
      [
        to('/next'),
        to('https://other.example:8443/'),
        to('http://plain.example/'),
        to('https://last.example/'),
        answered(''),
      ],
    );
    expect(verdict).toMatchObject({
      status: 'pass',
      evidence: { host: 'aurora.example', hosts: 'aurora.example, other.example, last.example' },
    });
    expect(probes.map(({ host, port, serverName }) => [host, port, serverName])).toEqual([
      ['aurora.example', 443, 'aurora.example'],
      ['other.example', 8443, 'other.example'],
      ['last.example', 443, 'last.example'],
    ]);
    expect(asked[0]?.url).toBe('https://aurora.example:443/start');
  });

  test('one that is unwell is named', async () => {
    const { verdict } = await look(
      { redirects: {} },
      [good, shows('CERT_HAS_EXPIRED', certificate(-3))],
      [to('https://other.example/'), answered('')],
    );
    expect(verdict).toMatchObject({
      status: 'fail',
      evidence: { host: 'other.example', fault: 'CERT_HAS_EXPIRED', days_left: -3 },
    });
  });

  test('one that is for nobody is the fault of who sends there', async () => {
    const forbidden: TlsSeen = { connected: false, reason: 'forbidden_address', detail: 'may not', ms: 0 };
    const { verdict } = await look({ redirects: {} }, [good, forbidden], [to('https://10.0.0.1/'), answered('')]);
    expect(verdict).toMatchObject({ status: 'fail', remedy: expect.stringMatching(/correct its redirect/) });
  });

  test('nothing of it is known where the page does not come', async () => {
    const lost: HttpSeen = { answered: false, reason: 'timeout', detail: 'nothing came', ms: 9 };
    const { verdict } = await look({ redirects: {} }, [good], [lost]);
    expect(verdict).toMatchObject({
      status: 'fail',
      evidence: { host: 'aurora.example', reason: 'timeout', days_left: 60 },
    });
  });
});

test.each([
  [
    'authorities that are none',
    { authorities: ['-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'] },
    /a certificate in PEM/,
  ],
  ['lists that are none', { revoked: ['nonsense'] }, /list of revoked certificates in PEM/],
  ['an unknown key', { min_day: 3 }, /Unrecognized/],
])('%s are refused when the suite is read', (_, spec, message) => {
  expect(() => tlsCheck.bind(spec, TARGET)).toThrow(message);
});

test('an address of IPv6 makes a URL', async () => {
  const { http, asked } = toldHttp([answered('')]);
  const tools = toolsOf(clock, { http, tls: async () => shows(null, certificate(60)) });
  await tlsCheck.bind({ redirects: {} }, { host: '::1', port: 8443, reach: HERE })(tools, within(1_000));
  expect(asked[0]?.url).toBe('https://[::1]:8443/');
});
