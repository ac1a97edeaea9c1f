/** Answers of Render as its reference shows them. */
export const AT = '2026-11-30T12:00:00.000Z';
export const CREATED = Date.parse(AT);

export const node = (gpuCount: number, usd: number, more: Readonly<Record<string, unknown>> = {}) => ({
  availability: {},
  hardware_summary: {
    cpu_cores: 16,
    gpu_count: gpuCount,
    gpu_model_label: 'RTX 5090',
    gpu_models: [
      {
        count: gpuCount,
        gpu_registry_uuid: '0198ac1c-7063-4be8-bb94-57a5bd83548e',
        min_vram_gib: 31.8,
        name: 'NVIDIA RTX 5090',
      },
    ],
    ram_gib: 64,
    storage_gib: 500,
  },
  offer_id: 'quote-1',
  pricing: { hourly_rate_usd: usd, quoted_at: AT },
  region_code: 'us-west-2',
  ...more,
});

export const job = (more: Readonly<Record<string, unknown>> = {}) => ({
  object: 'job',
  uuid: '3fa85f64-5717-4562-b3fc-2c963f66afa6',
  title: 'aurora-0123abcd-r-1',
  status: 'RUNNING',
  created_at: '2026-11-30T12:00:00Z',
  parameters: { type: 'docker', parameters: { ports: [8080], env: {} } },
  ...more,
});

export const ssh = { description: 'ssh', hostname: 'node.example', port: 30_022, protocol: 'tcp', tls: false };
export const http = { description: '8080', hostname: 'proxy.example', port: 30_080, protocol: 'tcp', tls: true };

export const run = (more: Readonly<Record<string, unknown>> = {}) => ({
  uuid: 'run-1',
  job_uuid: '3fa85f64-5717-4562-b3fc-2c963f66afa6',
  status: 'RUNNING',
  started_at_ms: CREATED + 4_000,
  node_urls: [ssh, http],
  ...more,
});
