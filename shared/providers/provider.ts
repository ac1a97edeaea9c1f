import type { Offer } from '#shared/domain/offer.ts';

/**
 * A marketplace that sells GPU time. Results are typed; errors come from the catalogue, which says whether a retry can help:
 * offer_gone (try the next offer), provider_refused, provider_unauthorized, provider_funds (permanent), provider_unavailable,
 * provider_rate_limited, provider_answer_invalid, offers_unreadable (later), deadline_exceeded.
 *
 * Promise: every call ends by its deadline; one request never has two living instances; an odd answer is an error, never
 * "nothing there". Who passes one API key around passes its call rate around: there is one writer per key.
 */
export interface Provider {
  /** Canonical provider name, e.g. "vast". */
  readonly id: string;
  readonly capabilities: Capabilities;
  /** What is sold now. @throws TransientError offers_unreadable: an empty or odd list is no statement about capacity */
  offers(filter: OfferFilter, context: CallContext): Promise<readonly Offer[]>;
  /**
   * Idempotent by `requestId`: what lives under it already is the answer.
   * @throws RejectedError offer_gone: nothing is there, the next offer may be tried; any other: this call has left nothing there
   */
  deploy(offer: OfferToDeploy, spec: DeploySpec, context: DeployContext): Promise<{ readonly instance_id: string }>;
  /** The living instance of a request, or null: what a deploy whose answer was lost may have left. */
  find(requestId: string, context: CallContext): Promise<string | null>;
  /** What lives under this key, whoever made it; ended ones may be among them. */
  instances(context: CallContext): Promise<readonly InstanceStatus[]>;
  /** Null when the provider knows no such instance. */
  status(instanceId: string, context: CallContext): Promise<InstanceStatus | null>;
  /** What the workload has written, as it comes. @throws RejectedError logs_unavailable */
  logs(instanceId: string, context: CallContext): Promise<AsyncIterable<Uint8Array>>;
  /** Ends all billing. One that is gone already is as good. */
  terminate(instanceId: string, context: CallContext): Promise<void>;
  /** One cheap call with the key. @throws as the others: then it is not healthy */
  health(context: CallContext): Promise<{ readonly answered_ms: number }>;
  close(): Promise<void>;
}

/** What a provider can do, as data. */
export interface Capabilities {
  /** A run may be taken away by a better bid. */
  readonly interruptible: boolean;
  /** The price is that of a bid, known when the instance is made; an offer's is an estimate. */
  readonly bids: boolean;
  /** Canonical regions that can be asked for; null: those of its offers. */
  readonly regions: readonly string[] | null;
  /** Least host milliseconds between two creations with one key: the pace at which a queue of deployments drains; 0: none. */
  readonly create_spacing_ms: number;
}

/** All absent: everything. A provider may give more than was asked for. */
export interface OfferFilter {
  /** Canonical. */
  readonly gpu_type?: string;
  /** Canonical; offers for the whole globe are among them. */
  readonly region?: string;
  /** At least. */
  readonly gpu_count?: number;
}

export interface CallContext {
  /** Host epoch milliseconds by which the call must have ended. */
  readonly deadline: number;
  readonly signal?: AbortSignal;
}

export interface DeployContext extends CallContext {
  /** One request, one instance: what the provider's idempotency key is made of. At most 64 characters of a-z, 0-9 and hyphens. */
  readonly requestId: string;
  /**
   * Told of an instance whose id is known before anything runs under it, and awaited: whoever is killed later finds it by its id, also
   * when it has run to its end meanwhile and carries its label no more. What it throws ends the call.
   */
  readonly begun?: (instanceId: string) => Promise<void>;
}

/** As it was offered; `offer_id` holds what the adapter needs to find it again. */
export type OfferToDeploy = Pick<Offer, 'offer_id' | 'usd_per_gpu_hour'>;

export interface DeploySpec {
  /** Canonical. */
  readonly gpu_type: string;
  readonly region: string;
  readonly gpu_count: number;
  readonly gpu_hours: number;
  readonly workload_type: string;
  /** A dearer instance is not taken: offer_gone. Null: whatever it costs. */
  readonly max_usd_per_gpu_hour: number | null;
  /** Container image, and the port at which it answers. */
  readonly image: string;
  readonly port: number;
}

/**
 * `exited`: the workload ended by itself, and the provider cannot say whether it was done. The others are the provider's
 * statement, or ours where it is unmistakable.
 */
export type InstanceState =
  | 'provisioning'
  | 'running'
  | 'exited'
  | 'completed'
  | 'failed_to_start'
  | 'preempted'
  | 'failed'
  | 'cancelled';

/** Where an instance stands. Null: the provider does not say, or not yet. Times are world time, RFC 3339. */
export interface InstanceStatus {
  readonly instance_id: string;
  /** The request it was made for; null: not made by this installation. */
  readonly request_id: string | null;
  readonly state: InstanceState;
  readonly blame: 'provider' | 'tenant' | 'network' | 'ours' | null;
  readonly created_at: string | null;
  readonly ready_at: string | null;
  readonly ended_at: string | null;
  /** Where the workload answers. */
  readonly address: Address | null;
  /** Given, which may be more than was asked for. */
  readonly gpu_count: number | null;
  /** Of the whole instance while it runs, storage not included, and of its storage from creation to termination. */
  readonly usd_per_hour: number | null;
  readonly storage_usd_per_hour: number | null;
  /** What only a provider that keeps such books can say; the rest is reckoned from what was seen. */
  readonly latency_ms: number | null;
  readonly exposure_hours: number | null;
  readonly useful_gpu_hours: number | null;
  readonly billed_gpu_hours: number | null;
  readonly cost_usd: number | null;
}

/** Of a provider that says nothing more than how it stands. */
export const UNSAID = {
  created_at: null,
  ready_at: null,
  ended_at: null,
  address: null,
  gpu_count: null,
  usd_per_hour: null,
  storage_usd_per_hour: null,
  latency_ms: null,
  exposure_hours: null,
  useful_gpu_hours: null,
  billed_gpu_hours: null,
  cost_usd: null,
} as const satisfies Partial<InstanceStatus>;

export interface Address {
  readonly host: string;
  readonly port: number;
  readonly tls: boolean;
}

export const isOver = ({ state }: Pick<InstanceStatus, 'state'>): boolean =>
  state !== 'provisioning' && state !== 'running';
