import { APPS, type AppName, HOSTS, NAMESPACE } from '../facts.ts';
import type { FaultSwitches } from '../faults/switches.ts';
import { type ClusterObject, head } from './object.ts';

const INGRESS_NAME = 'vaultmesh-ingress';
/** Of the documentation's range: it leads nowhere. */
const ADDRESS = '203.0.113.20';
const DAY_MS = 86_400_000;

/** Where each host leads now. */
export const backends = (faults: FaultSwitches): readonly (readonly [host: string, app: AppName])[] =>
  (Object.entries(HOSTS) as [string, AppName][]).map(([host, app]) => [
    host,
    host.startsWith('aurora.') && faults.has('ingress_wrong_backend') ? 'scheduler' : app,
  ]);

export function ingressObject(bornMs: number, faults: FaultSwitches): ClusterObject {
  return {
    ...head({
      apiVersion: 'networking.k8s.io/v1',
      kind: 'Ingress',
      name: INGRESS_NAME,
      namespace: NAMESPACE,
      createdMs: bornMs,
      generation: 1,
      annotations: {
        'kubernetes.io/ingress.class': 'gce',
        'networking.gke.io/managed-certificates': 'vaultmesh-cert',
      },
    }),
    spec: {
      rules: backends(faults).map(([host, app]) => ({
        host,
        http: {
          paths: [
            { path: '/', pathType: 'Prefix', backend: { service: { name: app, port: { number: APPS[app].port } } } },
          ],
        },
      })),
    },
    status: { loadBalancer: faults.has('ingress_no_address') ? {} : { ingress: [{ ip: ADDRESS }] } },
  };
}

export function certificateObject(bornMs: number, nowMs: number, faults: FaultSwitches): ClusterObject {
  const domains = Object.keys(HOSTS);
  const provisioning = faults.has('certificate_provisioning');
  const failed = faults.has('certificate_domain_failed') ? 'aurora.vaultmesh.cloud' : null;
  const statusOf = (domain: string): string =>
    domain === failed ? 'FailedNotVisible' : provisioning ? 'Provisioning' : 'Active';
  const active = !provisioning && failed === null;
  return {
    ...head({
      apiVersion: 'networking.gke.io/v1',
      kind: 'ManagedCertificate',
      name: 'vaultmesh-cert',
      namespace: NAMESPACE,
      createdMs: bornMs,
      generation: 1,
    }),
    spec: { domains },
    status: {
      certificateName: 'mcrt-2f9c1f3c-6b1e-4d0a-9c57-0f4e6d1b8a35',
      certificateStatus: active ? 'Active' : provisioning ? 'Provisioning' : 'ProvisioningFailed',
      domainStatus: domains.map((domain) => ({ domain, status: statusOf(domain) })),
      // Renewed in good time, always: whole days, so that it does not change with every look.
      ...(active
        ? { expireTime: `${new Date((Math.floor(nowMs / DAY_MS) + 60) * DAY_MS).toISOString().slice(0, 19)}.000-00:00` }
        : {}),
    },
  };
}
