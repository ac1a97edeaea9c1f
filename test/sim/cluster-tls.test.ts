import { X509Certificate } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { issue } from '#sim/cluster/tls/certificate.ts';
import { integer, oid, sequence, time } from '#sim/cluster/tls/der.ts';
import { TLS_NAMES, type TlsName } from '#sim/cluster/tls/identities.ts';
import { testCases } from '#test/support/cases.ts';
import { type House, openCluster, START_MS, shownBy } from './cluster-house.ts';

const HOST = 'aurora.vaultmesh.cloud';
const DAY_MS = 86_400_000;

describe('what a client sees of each', () => {
  let house: House;
  beforeAll(async () => {
    house = await openCluster();
  });
  afterAll(() => house.cluster.close());

  const see = async (name: TlsName, crl: boolean) => {
    const { cluster } = house;
    return shownBy(cluster.tls[name], {
      servername: HOST,
      ca: cluster.caPem,
      nowMs: START_MS,
      ...(crl ? { crl: cluster.crlPems } : {}),
    });
  };

  test.each<[TlsName, string | null, string | null, number]>([
    ['valid', null, null, 70],
    ['expiring', null, null, 5],
    ['expired', 'CERT_HAS_EXPIRED', 'CERT_HAS_EXPIRED', -1],
    ['wrong_host', 'ERR_TLS_CERT_ALTNAME_INVALID', 'ERR_TLS_CERT_ALTNAME_INVALID', 70],
    // There is no list of its issuer, which is what OpenSSL says first.
    ['self_signed', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'UNABLE_TO_GET_CRL', 70],
    ['revoked', null, 'CERT_REVOKED', 3650],
    ['chain_incomplete', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', 70],
  ])('%s: %s, with the lists of revoked ones %s', async (name, without, withLists, daysLeft) => {
    expect(await see(name, false)).toMatchObject({ fault: without, daysLeft });
    expect((await see(name, true)).fault).toBe(withLists);
  });

  test('the ingress shows another certificate as soon as a fault is there, and its own when it is over', async () => {
    const { cluster } = house;
    const front = () => shownBy(cluster.ingressTlsPort, { servername: HOST, ca: cluster.caPem, nowMs: START_MS });
    expect(await front()).toMatchObject({
      fault: null,
      daysLeft: 70,
      altNames: expect.stringContaining(`DNS:${HOST}`),
    });
    cluster.faults.set(['tls_expiring']);
    expect(await front()).toMatchObject({ fault: null, daysLeft: 5 });
    cluster.faults.set(['tls_wrong_host']);
    expect(await front()).toMatchObject({ altNames: 'DNS:elsewhere.example' });
    cluster.faults.set([]);
    expect(await front()).toMatchObject({ fault: null, daysLeft: 70 });
  });

  test('in a cluster that runs for long they stay what they are', async () => {
    // KEDA, which would look every thirty seconds of it, looks once a day.
    const own = await openCluster({ speed: 30_000 / DAY_MS });
    await own.clock.advance(100 * DAY_MS);
    const left = async (port: number) =>
      (await shownBy(port, { servername: HOST, ca: own.cluster.caPem, nowMs: own.clock.now() })).daysLeft;
    expect(await left(own.cluster.ingressTlsPort)).toBe(70);
    expect(await left(own.cluster.tls.valid)).toBe(70);
    expect(await left(own.cluster.tls.expiring)).toBe(5);
    expect(await left(own.cluster.tls.expired)).toBe(-1);
    await own.cluster.close();
  });

  test('there is a server for each kind', () => {
    expect(Object.keys(house.cluster.tls).sort()).toEqual([...TLS_NAMES].sort());
  });
});

describe('DER, read by another', () => {
  // A key for each, so a tenth of the cases.
  const wish = { commonName: 'x', fromMs: START_MS, untilMs: START_MS + DAY_MS, issuer: null };

  test('names of any number and length', () => {
    const label = fc.stringMatching(/^[a-z][a-z0-9]{0,40}$/);
    fc.assert(
      fc.property(fc.array(label, { minLength: 1, maxLength: 200 }), label, (names, commonName) => {
        const read = new X509Certificate(issue({ ...wish, commonName, names }).pem);
        expect(read.subject).toBe(`CN=${commonName}`);
        expect(read.subjectAltName).toBe(names.map((name) => `DNS:${name}`).join(', '));
        expect(read.ca).toBe(false);
        expect(read.verify(read.publicKey)).toBe(true);
      }),
      { numRuns: Math.ceil(testCases / 10) },
    );
    // Longer than two bytes of length can tell.
    const many = Array.from({ length: 7_000 }, (_, n) => `name-${n}.test`);
    expect(new X509Certificate(issue({ ...wish, names: many }).pem).subjectAltName).toContain('name-6999.test');
  });

  test('addresses are addresses', () => {
    const read = new X509Certificate(issue({ ...wish, names: ['localhost', '127.0.0.1'] }).pem);
    expect(read.subjectAltName).toBe('DNS:localhost, IP Address:127.0.0.1');
    expect([read.checkIP('127.0.0.1'), read.checkIP('127.0.0.2')]).toEqual(['127.0.0.1', undefined]);
  });

  test('times on both sides of 2050', () => {
    const between = fc.integer({ min: Date.UTC(1970, 0, 1) / 1000, max: Date.UTC(2200, 0, 1) / 1000 });
    fc.assert(
      fc.property(between, between, (from, until) => {
        const read = new X509Certificate(
          issue({ ...wish, fromMs: from * 1000, untilMs: until * 1000, names: ['x'] }).pem,
        );
        expect([Date.parse(read.validFrom), Date.parse(read.validTo)]).toEqual([from * 1000, until * 1000]);
      }),
      { numRuns: Math.ceil(testCases / 10) },
    );
    const written = (ms: number) => [time(ms)[0], time(ms).subarray(2).toString('latin1')];
    expect(written(Date.UTC(2049, 11, 31, 23, 59, 59))).toEqual([0x17, '491231235959Z']);
    expect(written(Date.UTC(2050, 0, 1))).toEqual([0x18, '20500101000000Z']);
  });

  test('an authority signs what it is said to, and nobody else did', () => {
    const root = issue({ ...wish, commonName: 'root', names: [] });
    const leaf = new X509Certificate(issue({ ...wish, names: ['x'], issuer: root }).pem);
    const read = new X509Certificate(root.pem);
    expect(read.ca).toBe(true);
    expect([leaf.checkIssued(read), leaf.verify(read.publicKey)]).toEqual([true, true]);
    expect(leaf.verify(leaf.publicKey)).toBe(false);
    expect(leaf.serialNumber).not.toBe(read.serialNumber);
  });

  test.each([
    [integer(0), '020100'],
    [integer(127), '02017f'],
    [integer(128), '02020080'],
    [integer(Buffer.from('00000001', 'hex')), '020101'],
    [oid('1.2.840.10045.4.3.2'), '06082a8648ce3d040302'],
    [sequence(Buffer.alloc(127)), `307f${'00'.repeat(127)}`],
    [sequence(Buffer.alloc(128)), `308180${'00'.repeat(128)}`],
    [sequence(Buffer.alloc(256)), `30820100${'00'.repeat(256)}`],
  ])('%# as X.690 writes it', (der, hex) => {
    expect(der.toString('hex')).toBe(hex);
  });
});
