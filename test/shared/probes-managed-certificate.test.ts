import { describe, expect, test } from 'vitest';
import { RejectedError, TransientError } from '#shared/errors.ts';
import { managedCertificateCheck } from '#shared/probes/checks/managed-certificate.ts';
import type { KubernetesObject } from '#shared/probes/tools.ts';
import { attempt, fakeCluster } from '#test/support/fake-cluster.ts';

const PATH = '/apis/networking.gke.io/v1/namespaces/vaultmesh/managedcertificates';
const DOMAINS = [
  'psi-field.vaultmesh.cloud',
  'scheduler.vaultmesh.cloud',
  'aurora.vaultmesh.cloud',
  'api.vaultmesh.cloud',
];
const EXPIRES = '2027-01-29T00:00:00.000-00:00';

const object = (
  status: string,
  byDomain: Readonly<Record<string, string>> = {},
  domains = DOMAINS,
  expireTime = EXPIRES,
) => ({
  metadata: { name: 'vaultmesh-cert' },
  spec: { domains },
  status: {
    certificateStatus: status,
    domainStatus: domains.map((domain) => ({ domain, status: byDomain[domain] ?? 'Active' })),
    ...(status === 'Active' ? { expireTime } : {}),
  },
});
const all = (status: string): Readonly<Record<string, string>> =>
  Object.fromEntries(DOMAINS.map((domain) => [domain, status]));

const WELL = {
  certificate: 'vaultmesh-cert',
  found: true,
  status: 'Active',
  domains: 4,
  missing: null,
  not_active: null,
  expires: EXPIRES,
};
const fails = (evidence: object, remedy: string) => ({ status: 'fail', evidence: { ...WELL, ...evidence }, remedy });
const TAKES_AN_HOUR = (domain: string): string =>
  `${domain} is not issued yet: it takes up to an hour after its DNS records point at the ingress; check those if it takes longer.`;

describe('a managed certificate', () => {
  test.each<readonly [string, object, KubernetesObject, object]>([
    ['that is active for every name', {}, object('Active'), { status: 'pass', evidence: WELL, remedy: null }],
    [
      'on its way',
      {},
      object('Provisioning', all('Provisioning')),
      fails(
        {
          status: 'Provisioning',
          expires: null,
          not_active: DOMAINS.map((domain) => `${domain}: Provisioning`).join(', '),
        },
        TAKES_AN_HOUR('psi-field.vaultmesh.cloud'),
      ),
    ],
    ...(
      [
        [
          'FailedNotVisible',
          'Google does not find the load balancer under aurora.vaultmesh.cloud: point its DNS records (A, AAAA) at the address of the ingress.',
        ],
        [
          'FailedCaaChecking',
          'The CAA records of aurora.vaultmesh.cloud forbid it: let them name pki.goog and letsencrypt.org.',
        ],
        [
          'FailedCaaForbidden',
          'The CAA records of aurora.vaultmesh.cloud forbid it: let them name pki.goog and letsencrypt.org.',
        ],
        ['FailedRateLimited', 'Too many certificates were asked for aurora.vaultmesh.cloud: wait for a day.'],
      ] as const
    ).map(
      ([status, remedy]) =>
        [
          `of which one name is ${status}`,
          {},
          object('ProvisioningFailed', { 'aurora.vaultmesh.cloud': status }),
          fails(
            { status: 'ProvisioningFailed', expires: null, not_active: `aurora.vaultmesh.cloud: ${status}` },
            remedy,
          ),
        ] as const,
    ),
    [
      'of which nothing is known yet',
      {},
      { metadata: { name: 'vaultmesh-cert' }, spec: { domains: ['a.example'] } },
      fails(
        {
          status: 'none yet',
          domains: 1,
          expires: null,
          missing: DOMAINS.join(', '),
          not_active: 'a.example: none yet',
        },
        'It does not hold psi-field.vaultmesh.cloud: make a certificate with all names beside it, and change over when it is active.',
      ),
    ],
    [
      'that lacks a name',
      { domains: ['new.vaultmesh.cloud', ...DOMAINS] },
      object('Active'),
      fails(
        { missing: 'new.vaultmesh.cloud' },
        'It does not hold new.vaultmesh.cloud: make a certificate with all names beside it, and change over when it is active.',
      ),
    ],
    [
      'that ends in fifteen days',
      {},
      object('Active', {}, DOMAINS, '2026-01-16T00:00:00.000-00:00'),
      { status: 'pass', evidence: { ...WELL, expires: '2026-01-16T00:00:00.000-00:00' }, remedy: null },
    ],
    [
      'that ends in nine days and says that it is active',
      {},
      object('Active', {}, DOMAINS, '2026-01-10T00:00:00.000-00:00'),
      fails(
        { expires: '2026-01-10T00:00:00.000-00:00', days_left: 9, min_days: 14 },
        'It ends soon and was not renewed, though it says that it is active: see whether each name still leads to the ingress, and what its controller says (kubectl -n vaultmesh describe managedcertificate vaultmesh-cert).',
      ),
    ],
    [
      'of which every name is active, and it is not',
      {},
      object('RenewalFailed', all('Active')),
      fails(
        { status: 'RenewalFailed', expires: null },
        'Read what its controller says: kubectl -n vaultmesh describe managedcertificate vaultmesh-cert.',
      ),
    ],
  ])('%s', async (_, spec, item, verdict) => {
    const fake = fakeCluster({ lists: { [PATH]: [{ metadata: { name: 'other' } }, item] } });
    expect(await attempt(managedCertificateCheck, spec, fake)).toEqual(verdict);
    expect(fake.reads).toEqual([`list ${PATH}`]);
  });

  test.each([
    [[], true, 'There is no ManagedCertificate vaultmesh-cert in vaultmesh: apply it again.'],
    [null, false, 'The cluster knows no ManagedCertificate: it is none of GKE, or its controller is off.'],
  ])('that is not there', async (items, known, remedy) => {
    const fake = fakeCluster({ lists: items === null ? {} : { [PATH]: items } });
    expect(await attempt(managedCertificateCheck, {}, fake)).toEqual({
      status: 'fail',
      evidence: { certificate: 'vaultmesh-cert', found: false, known },
      remedy,
    });
  });

  test.each([
    new RejectedError('cluster_forbidden', 'managedcertificates is forbidden'),
    new TransientError('cluster_unreachable', 'refused'),
  ])('that cannot be looked at is unknown: $code', async (error) => {
    const fake = fakeCluster({ lists: { [PATH]: error } });
    await expect(attempt(managedCertificateCheck, {}, fake)).rejects.toBe(error);
  });

  test('a suite cannot say what it does not know', () => {
    expect(() => managedCertificateCheck.bind({ name: 'x' }, { namespace: 'vaultmesh' })).toThrow('Unrecognized key');
  });
});
