/** Answers of Akash's Console as a vendor's specification has them, changed where a test says so. */
export const OWNER = `akash1${'q'.repeat(38)}`;
export const LABEL = 'aurora-0123abcd-r-1';

export const card = (model: string, ram: string | null = '24Gi', bus: string | null = 'pcie') => ({
  vendor: 'nvidia',
  model,
  ram,
  interface: bus,
});
export const seller = (more: Readonly<Record<string, unknown>> = {}) => ({
  owner: OWNER,
  name: null,
  isOnline: true,
  isAudited: true,
  uptime1d: 1,
  uptime7d: 0.987,
  uptime30d: 0.9,
  locationRegion: 'eu-central',
  ipRegion: null,
  ipCountryCode: 'DE',
  gpuModels: [card('rtx4090')],
  ...more,
});
export const price = (more: Readonly<Record<string, unknown>> = {}) => ({
  currency: 'USD',
  min: 0.3,
  max: 0.9,
  avg: 0.5,
  weightedAverage: 0.45,
  med: 0.41,
  ...more,
});
export const priced = (of: ReturnType<typeof card>, more: Readonly<Record<string, unknown>> = {}) => ({
  ...of,
  availability: { total: 12, available: 5 },
  price: price(),
  ...more,
});
export const leaseLike = (more: Readonly<Record<string, unknown>> = {}) => ({
  id: { owner: 'akash1tenant', dseq: '7001', gseq: 1, oseq: 1, provider: OWNER, bseq: 0 },
  state: 'active',
  price: { denom: 'uact', amount: '1000.000000000000000000' },
  created_at: '1000',
  closed_on: '0',
  status: {
    services: { [LABEL]: { name: LABEL, available: 1, total: 1, uris: [] } },
    forwarded_ports: { [LABEL]: [{ host: 'provider.example', port: 8080, externalPort: 31_234, proto: 'TCP' }] },
    ips: null,
  },
  ...more,
});
export const deploymentLike = (lease: unknown, state = 'active') => ({
  deployment: { id: { owner: 'akash1tenant', dseq: '7001' }, state, hash: 'x', created_at: '999' },
  leases: lease === null ? [] : [lease],
  escrow_account: {},
});
