/** Who reaches the pods, and whom they reach. */
import { unlike } from '../terraform/check.ts';
import type { Block } from '../terraform/parsed.ts';
import { type Manifests, manifest, resourcesOf } from './manifests.ts';

export interface ManifestCheck {
  readonly says: string;
  readonly breaches: (manifests: Manifests) => readonly string[];
}

const SCRAPERS = {
  namespaceSelector: {
    matchExpressions: [{ key: 'kubernetes.io/metadata.name', operator: 'In', values: ['monitoring', 'gmp-system'] }],
  },
};
export const BOTH = { matchExpressions: [{ key: 'app', operator: 'In', values: ['aurora-router', 'aurora-score'] }] };
const DOOR = [{ protocol: 'TCP', port: 8080 }];

export const NETWORK: readonly ManifestCheck[] = [
  {
    says: 'score is reached by route, route by its namespace, both by who scrapes, and by nobody else',
    breaches: (manifests) => [
      ...unlike('aurora-router', manifest(manifests, 'NetworkPolicy', 'aurora-router'), {
        apiVersion: 'networking.k8s.io/v1',
        spec: {
          podSelector: { matchLabels: { app: 'aurora-router' } },
          policyTypes: ['Ingress', 'Egress'],
          ingress: [{ from: [{ podSelector: {} }, SCRAPERS], ports: DOOR }],
          egress: [{ to: [{ podSelector: { matchLabels: { app: 'aurora-score' } } }], ports: DOOR }],
        },
      }),
      ...unlike('aurora-score', manifest(manifests, 'NetworkPolicy', 'aurora-score'), {
        apiVersion: 'networking.k8s.io/v1',
        spec: {
          podSelector: { matchLabels: { app: 'aurora-score' } },
          policyTypes: ['Ingress', 'Egress'],
          ingress: [{ from: [{ podSelector: { matchLabels: { app: 'aurora-router' } } }, SCRAPERS], ports: DOOR }],
        },
      }),
      ...resourcesOf(manifests)
        .filter(({ kind }) => kind === 'NetworkPolicy')
        .flatMap(openTo),
    ],
  },
  {
    says: 'pods reach DNS, the metadata server and what is public, and nothing else that is private',
    breaches: (manifests) =>
      unlike('aurora-google', manifest(manifests, 'NetworkPolicy', 'aurora-google'), {
        apiVersion: 'networking.k8s.io/v1',
        spec: {
          podSelector: BOTH,
          policyTypes: ['Egress'],
          egress: [
            {
              to: [
                { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } } },
                { ipBlock: { cidr: '169.254.20.10/32' } },
              ],
              ports: [
                { protocol: 'UDP', port: 53 },
                { protocol: 'TCP', port: 53 },
              ],
            },
            {
              to: [{ ipBlock: { cidr: '169.254.169.254/32' } }, { ipBlock: { cidr: '169.254.169.252/32' } }],
              ports: [
                { protocol: 'TCP', port: 80 },
                { protocol: 'TCP', port: 988 },
              ],
            },
            {
              to: [
                {
                  ipBlock: {
                    cidr: '0.0.0.0/0',
                    except: ['10.0.0.0/8', '100.64.0.0/10', '169.254.0.0/16', '172.16.0.0/12', '192.168.0.0/16'],
                  },
                },
              ],
              ports: [{ protocol: 'TCP', port: 443 }],
            },
          ],
        },
      }),
  },
];

/** A rule without peers, a peer without a selector, or more peers than are listed above, opens the door. */
function openTo({ metadata, spec }: Block): readonly string[] {
  const { name } = metadata as Block;
  const rules = ((spec as Block | undefined)?.['ingress'] ?? []) as readonly Block[];
  return rules.flatMap((rule) => {
    const peers = (rule['from'] ?? []) as readonly Block[];
    return peers.length === 2 && peers.every((peer) => Object.keys(peer).length === 1)
      ? []
      : [`${name}: ${JSON.stringify(rule)} lets in others`];
  });
}
