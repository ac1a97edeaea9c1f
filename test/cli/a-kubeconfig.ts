/** A kubeconfig with one cluster, of which a test changes what it is about. */
import { rootCertificates } from 'node:tls';
import { stringify } from 'yaml';
import { type KubeconfigEntry, parseKubeconfig } from '#cli/smoke/kubeconfig.ts';
import type { RejectedError } from '#shared/errors.ts';

export const [PEM = ''] = rootCertificates;
export const base64 = (text: string): string => Buffer.from(text).toString('base64');
export const KEY = '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n';

export type Fields = Readonly<Record<string, unknown>>;
export interface Parts {
  readonly cluster?: Fields;
  readonly user?: Fields | null;
  readonly context?: Fields;
  readonly top?: Fields;
}
export const CLUSTER = { server: 'https://34.66.0.1', 'certificate-authority-data': base64(PEM) };
export const config = ({
  cluster = CLUSTER,
  user = { token: 'secret-token' },
  context = {},
  top = {},
}: Parts = {}): string =>
  stringify({
    apiVersion: 'v1',
    kind: 'Config',
    preferences: {},
    'current-context': 'gke',
    clusters: [
      { name: 'other', cluster: { server: 7 } },
      { name: 'c', cluster },
    ],
    contexts: [{ name: 'gke', context: { cluster: 'c', user: 'u', ...context } }],
    users: [{ name: 'u', ...(user === null ? {} : { user }) }],
    ...top,
  });
export const parsed = (parts?: Parts, wanted: string | null = null): KubeconfigEntry =>
  parseKubeconfig(config(parts), 'config', wanted);
export const thrownBy = (run: () => unknown): RejectedError => {
  try {
    run();
  } catch (error) {
    return error as RejectedError;
  }
  throw new Error('expected an error');
};

export const PLUGIN = {
  apiVersion: 'client.authentication.k8s.io/v1beta1',
  command: 'gke-gcloud-auth-plugin',
  installHint: 'Install gke-gcloud-auth-plugin',
  provideClusterInfo: true,
};
