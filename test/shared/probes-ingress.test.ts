import { describe, expect, test } from 'vitest';
import { ingressCheck } from '#shared/probes/checks/ingress.ts';
import { attempt, fakeCluster } from '#test/support/fake-cluster.ts';

const PATH = '/apis/networking.k8s.io/v1/namespaces/vaultmesh/ingresses';
const HOSTS = {
  'psi-field.vaultmesh.cloud': 'psi-field',
  'scheduler.vaultmesh.cloud': 'scheduler',
  'aurora.vaultmesh.cloud': 'aurora-router',
  'api.vaultmesh.cloud': 'aurora-router',
};

const rule = (host: string, ...services: readonly string[]) => ({
  host,
  http: { paths: services.map((name) => ({ path: '/', backend: { service: { name, port: { number: 80 } } } })) },
});
const object = (
  hosts: Readonly<Record<string, string>>,
  more: { readonly name?: string; readonly ips?: unknown } = {},
) => ({
  metadata: { name: more.name ?? 'vaultmesh-ingress' },
  spec: { rules: Object.entries(hosts).map(([host, service]) => rule(host, service)) },
  status: { loadBalancer: { ingress: 'ips' in more ? more.ips : [{ ip: '203.0.113.20' }] } },
});

const WELL = {
  ingresses: 1,
  addresses: '203.0.113.20',
  without_address: null,
  hosts_missing: null,
  astray: null,
};
const passes = (evidence: object) => ({ status: 'pass', evidence: { ...WELL, ...evidence }, remedy: null });
const fails = (evidence: object, remedy: string) => ({ status: 'fail', evidence: { ...WELL, ...evidence }, remedy });
const { 'api.vaultmesh.cloud': _api, ...WITHOUT_API } = HOSTS;

describe('an ingress', () => {
  test.each([
    ['that leads every name to its service', {}, [object(HOSTS)], passes({})],
    [
      'of a load balancer with a name',
      {},
      [object(HOSTS, { ips: [{ hostname: 'lb.example.net' }] })],
      passes({ addresses: 'lb.example.net' }),
    ],
    [
      'that leads a name to the neighbour’s service',
      {},
      [object({ ...HOSTS, 'aurora.vaultmesh.cloud': 'scheduler' })],
      fails(
        { astray: 'aurora.vaultmesh.cloud -> scheduler, expected aurora-router' },
        'Correct the backend in the rule of the ingress: aurora.vaultmesh.cloud -> scheduler, expected aurora-router.',
      ),
    ],
    [
      'that leads one path of a name astray',
      { hosts: { 'a.example': 'a' } },
      [{ ...object({}), spec: { rules: [rule('a.example', 'a', 'b')] } }],
      fails(
        { astray: 'a.example -> b, expected a' },
        'Correct the backend in the rule of the ingress: a.example -> b, expected a.',
      ),
    ],
    [
      'that leads a name to a bucket',
      { hosts: { 'a.example': 'a' } },
      [{ ...object({}), spec: { rules: [{ host: 'a.example', http: { paths: [{ backend: { resource: {} } }] } }] } }],
      fails(
        { astray: 'a.example -> nothing, expected a' },
        'Correct the backend in the rule of the ingress: a.example -> nothing, expected a.',
      ),
    ],
    [
      'without a name',
      {},
      [object(WITHOUT_API)],
      fails(
        { hosts_missing: 'api.vaultmesh.cloud' },
        'Nothing leads from api.vaultmesh.cloud: add its rule to the ingress.',
      ),
    ],
    [
      'without an address',
      {},
      [object(HOSTS, { ips: undefined })],
      fails(
        { addresses: null, without_address: 'vaultmesh-ingress' },
        'vaultmesh-ingress has no address: read what its controller says (kubectl -n vaultmesh describe ingress vaultmesh-ingress); a new one takes some minutes.',
      ),
    ],
    [
      'in two parts, one without an address',
      {},
      [object(WITHOUT_API), object({ 'api.vaultmesh.cloud': 'any' }, { name: 'api', ips: [] })],
      fails(
        { ingresses: 2, without_address: 'api' },
        'api has no address: read what its controller says (kubectl -n vaultmesh describe ingress api); a new one takes some minutes.',
      ),
    ],
    [
      'by its name, whatever the others are',
      { ingress: 'vaultmesh-ingress' },
      [object({}, { name: 'other', ips: [] }), object(HOSTS)],
      passes({}),
    ],
    [
      'that is not there',
      { ingress: 'vaultmesh-ingress' },
      [object(HOSTS, { name: 'other' })],
      fails(
        { ingresses: 0, addresses: null, hosts_missing: Object.keys(HOSTS).join(', ') },
        'There is no ingress vaultmesh-ingress in vaultmesh: apply its manifests again.',
      ),
    ],
    [
      'where there is none at all',
      { hosts: {} },
      [],
      fails({ ingresses: 0, addresses: null }, 'There is no ingress in vaultmesh: apply its manifests again.'),
    ],
  ])('%s', async (_, spec, items, verdict) => {
    const fake = fakeCluster({ lists: { [PATH]: items } });
    expect(await attempt(ingressCheck, spec, fake)).toEqual(verdict);
    expect(fake.reads).toEqual([`list ${PATH}`]);
  });

  test.each([
    [{ host: 'x' }, 'Unrecognized key'],
    [{ hosts: ['x'] }, 'hosts'],
  ])('a suite cannot say %o', (spec, message) => {
    expect(() => ingressCheck.bind(spec, { namespace: 'vaultmesh' })).toThrow(message);
  });
});
