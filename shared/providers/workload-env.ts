import type { DeploySpec } from './provider.ts';

/** What a workload is told of itself, whoever runs it: environment variables of its container. */
export const workloadEnv = (spec: DeploySpec, requestId: string): Readonly<Record<string, string>> => ({
  AURORA_REQUEST_ID: requestId,
  AURORA_WORKLOAD_TYPE: spec.workload_type,
  AURORA_GPU_COUNT: String(spec.gpu_count),
  AURORA_GPU_HOURS: String(spec.gpu_hours),
  PORT: String(spec.port),
});
