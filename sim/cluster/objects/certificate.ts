/** The managed certificate of the ingress, as Google's controller tells of it; what is shown in TLS is another matter (tls/). */
import { HOSTS, NAMESPACE } from '../facts.ts';
import type { FaultSwitches } from '../faults/switches.ts';
import { type ClusterObject, head } from './object.ts';

export const CERTIFICATE_NAME = 'vaultmesh-cert';
const DAY_MS = 86_400_000;

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
      name: CERTIFICATE_NAME,
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
