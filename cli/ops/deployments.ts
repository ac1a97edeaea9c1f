import { z } from 'zod';
import { deploymentKey, deploymentRecord, LIVE_PREFIX, type OpenDeployment } from '#shared/domain/deployment.ts';
import type { State } from '#shared/ports/state.ts';
import { operation } from './operation.ts';

export interface LiveDeployment {
  readonly deployment_id: string;
  readonly tenant_id: string;
  readonly status: 'provisioning' | 'running' | 'cancelling';
  readonly provider: string;
  readonly offer_id: string;
  readonly attempt: number;
  readonly instance_id: string | null;
  readonly gpu_type: string;
  readonly gpu_count: number;
  readonly gpu_hours: number;
  readonly claimed_at: string;
  readonly ready_at: string | null;
  readonly usd_per_hour: number | null;
  readonly latency_ms: number | null;
}

export interface LivePage {
  readonly deployments: readonly LiveDeployment[];
  /** Pass it on as `after` for the next page; null: that was the last. */
  readonly next: string | null;
}

/** Records read together. */
const TOGETHER = 64;

/** The deployments that live, whose ever they are; in the order of their ids. */
export const listDeployments = operation({
  name: 'deployments.list',
  params: z.strictObject({
    tenant_id: z.string().nullable(),
    provider: z.string().nullable(),
    after: z.string(),
    limit: z.int().min(1).max(1_000),
  }),
  run: async ({ platform }, { tenant_id: tenant, provider, after, limit }): Promise<LivePage> => {
    const state = await platform.state();
    const found: LiveDeployment[] = [];
    let position = after === '' ? '' : `${LIVE_PREFIX}${after}`;
    for (;;) {
      const index = await state.list(LIVE_PREFIX, { limit: TOGETHER, after: position });
      for (const one of await Promise.all(index.map(({ key }) => liveAt(state, key)))) {
        if (one === null) continue;
        if (tenant !== null && one.tenant_id !== tenant) continue;
        if (provider !== null && one.provider !== provider) continue;
        found.push(one);
        if (found.length === limit) return { deployments: found, next: one.deployment_id };
      }
      position = index.at(-1)?.key ?? '';
      if (index.length < TOGETHER) return { deployments: found, next: null };
    }
  },
});

/** Null: it has ended since the index was read. */
async function liveAt(state: State, key: string): Promise<LiveDeployment | null> {
  const id = key.slice(LIVE_PREFIX.length);
  const entry = await state.get(deploymentKey(id));
  const parsed = entry === null ? null : deploymentRecord.safeParse(entry.value);
  if (parsed?.success !== true || parsed.data.state !== 'live') return null;
  return viewOf(id, parsed.data);
}

function viewOf(id: string, record: OpenDeployment): LiveDeployment {
  const { request, seen } = record;
  return {
    deployment_id: id,
    tenant_id: request.tenant_id,
    status: record.cancel_requested_at === null ? (seen?.state ?? 'provisioning') : 'cancelling',
    provider: request.option.provider,
    offer_id: request.option.offer_id,
    attempt: record.attempt,
    instance_id: record.instance_id,
    gpu_type: request.request.gpu_type,
    gpu_count: seen?.gpu_count ?? request.request.gpu_count,
    gpu_hours: request.request.gpu_hours,
    claimed_at: record.claimed_at,
    ready_at: record.ready_at,
    usd_per_hour: seen?.usd_per_hour ?? null,
    latency_ms: seen?.latency_ms ?? null,
  };
}
