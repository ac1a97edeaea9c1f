import type { Offer } from '#shared/domain/offer.ts';

/**
 * A marketplace that sells GPU time. Results are typed; errors come from the catalogue: offer_gone (try the next offer),
 * provider_unavailable (retry later).
 */
export interface CallContext {
  /** Host epoch milliseconds by which the call must have ended. */
  readonly deadline: number;
  readonly signal?: AbortSignal;
}

export interface DeploySpec {
  /** The provider's idempotency key: two deploys with one label give one instance. */
  readonly label: string;
  readonly gpu_count: number;
  readonly gpu_hours: number;
  readonly workload_type: string;
}

export type InstanceState =
  | 'provisioning'
  | 'running'
  | 'completed'
  | 'failed_to_start'
  | 'preempted'
  | 'failed'
  | 'cancelled';

/** Where an instance stands; times are world time, RFC 3339. Null = not known or not yet. */
export interface InstanceStatus {
  readonly instance_id: string;
  readonly state: InstanceState;
  readonly blame: 'provider' | 'tenant' | 'network' | 'ours' | null;
  readonly created_at: string;
  readonly ready_at: string | null;
  readonly ended_at: string | null;
  readonly latency_ms: number | null;
  readonly exposure_hours: number;
  readonly useful_gpu_hours: number;
  readonly billed_gpu_hours: number;
  readonly cost_usd: number;
}

export interface Provider {
  /** Canonical provider name, e.g. "vast". */
  readonly id: string;
  offers(context: CallContext): Promise<readonly Offer[]>;
  /** @throws RejectedError offer_gone @throws TransientError provider_unavailable */
  deploy(offerId: string, spec: DeploySpec, context: CallContext): Promise<{ readonly instance_id: string }>;
  /** The living instance under the label, or null: what a deploy whose answer was lost may have left. @throws TransientError provider_unavailable */
  find(label: string, context: CallContext): Promise<string | null>;
  /** Null when the provider knows no such instance. */
  status(instanceId: string, context: CallContext): Promise<InstanceStatus | null>;
  terminate(instanceId: string, context: CallContext): Promise<void>;
}
