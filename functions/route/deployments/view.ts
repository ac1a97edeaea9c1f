/** A deployment as its tenant sees it: from its record, and before deploy has made one from its intent. Pure. */
import { z } from 'zod';
import type { DeploymentRecord, OpenDeployment } from '#shared/domain/deployment.ts';
import { decisionId } from '#shared/domain/ids.ts';
import type { Tenant } from '#shared/domain/tenant.ts';
import { deploymentIn, type Intent } from '../intent.ts';

/** What is on record under one decision id: one of them at least. */
export interface OnRecord {
  readonly id: string;
  readonly record: DeploymentRecord | null;
  readonly intent: Intent | null;
}

/** `ended`: how, a build wrote down that kept no such word. */
const status = z.enum([
  'provisioning',
  'running',
  'completed',
  'failed_to_start',
  'preempted',
  'failed',
  'cancelled',
  'ended',
]);

const statusOf = (word: string | null): z.infer<typeof status> => status.catch('ended').parse(word);

const text = z.string().nullable();
/** `GET /deployments/:id`. Null: not known, not yet or not any more. Times are world time, RFC 3339. */
export const deploymentView = z.object({
  deployment_id: z.string(),
  decision_id: z.string(),
  request_id: text,
  status,
  provider: text,
  offer_id: text,
  /** 0: the first choice; each fallback counts one more. */
  attempt: z.int().nullable(),
  instance_id: text,
  address: z.object({ host: z.string(), port: z.int(), tls: z.boolean() }).nullable(),
  created_at: text,
  ready_at: text,
  ended_at: text,
  /** Of the whole instance while it runs, storage not included, USD. */
  usd_per_hour: z.number().nullable(),
  /** Measured at its address. */
  latency_ms: z.number().nullable(),
  cancel_requested_at: text,
  fallbacks_left: z.int().nullable(),
});
export type DeploymentView = z.infer<typeof deploymentView>;

const UNKNOWN = {
  attempt: null,
  instance_id: null,
  address: null,
  created_at: null,
  ready_at: null,
  ended_at: null,
  usd_per_hour: null,
  latency_ms: null,
  cancel_requested_at: null,
  fallbacks_left: null,
} as const;

export function viewOf({ id, record, intent }: OnRecord): DeploymentView {
  const { provider = null, offer_id = null, request_id = null } = intent?.answer ?? {};
  const base: DeploymentView = {
    deployment_id: id,
    decision_id: id,
    request_id,
    status: 'provisioning',
    provider,
    offer_id,
    ...UNKNOWN,
  };
  if (record === null)
    return {
      ...base,
      attempt: 0,
      fallbacks_left: intent?.open == null ? null : deploymentIn(intent.open).fallbacks.length,
    };
  switch (record.state) {
    case 'cancelled':
      return { ...base, status: 'cancelled', cancel_requested_at: record.cancelled_at };
    case 'ended':
      return {
        ...base,
        request_id: record.request_id ?? request_id,
        status: statusOf(record.status),
        // An offer's id begins with its provider.
        provider: record.offer_id?.split(':')[0] ?? provider,
        offer_id: record.offer_id ?? offer_id,
        attempt: record.attempt,
        instance_id: record.instance_id,
        ended_at: record.ended_at,
      };
    default:
      return { ...base, ...ofOpen(record) };
  }
}

function ofOpen(record: OpenDeployment): Partial<DeploymentView> {
  const { request, seen, state, ending } = record;
  const running = state === 'live' ? (seen?.state ?? 'provisioning') : 'provisioning';
  return {
    request_id: request.request_id,
    // Over, and only not forgotten yet.
    status: ending === null ? running : statusOf(ending.status),
    ended_at: ending?.observed_at ?? null,
    provider: request.option.provider,
    offer_id: request.option.offer_id,
    attempt: record.attempt,
    instance_id: record.instance_id,
    address: seen?.address ?? null,
    created_at: record.claimed_at,
    ready_at: record.ready_at,
    usd_per_hour: seen?.usd_per_hour ?? null,
    latency_ms: seen?.latency_ms ?? null,
    cancel_requested_at: record.cancel_requested_at,
    fallbacks_left: request.fallbacks.length,
  };
}

/** By the request id, of which the decision id is a hash with its tenant: what nobody can tell any more is nobody's. */
export function belongsTo({ tenant_id: tenantId }: Tenant, { id, record, intent }: OnRecord): boolean {
  if (record !== null && 'request' in record) return record.request.tenant_id === tenantId;
  const requestId = (record?.state === 'ended' ? record.request_id : null) ?? intent?.answer.request_id ?? null;
  return requestId !== null && decisionId(tenantId, requestId) === id;
}
