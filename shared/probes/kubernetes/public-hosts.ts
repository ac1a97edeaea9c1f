/** Names under which the cluster is reached from outside, and the service that answers to each; null: whichever does. */
export const PUBLIC_HOSTS: Readonly<Record<string, string | null>> = {
  'psi-field.vaultmesh.cloud': 'psi-field',
  'scheduler.vaultmesh.cloud': 'scheduler',
  'aurora.vaultmesh.cloud': 'aurora-router',
  'api.vaultmesh.cloud': null,
};
