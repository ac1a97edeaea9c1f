import { APPS, type AppName, HOSTS, NAMESPACE } from '../facts.ts';
import type { FaultSwitches } from '../faults/switches.ts';
import { CERTIFICATE_NAME } from './certificate.ts';
import { type ClusterObject, head } from './object.ts';

const INGRESS_NAME = 'vaultmesh-ingress';
/** Of the documentation's range: it leads nowhere. */
const ADDRESS = '203.0.113.20';

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
        'networking.gke.io/managed-certificates': CERTIFICATE_NAME,
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
