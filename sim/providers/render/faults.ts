import { COMMON_FAULTS, type NamedFault, type Reply } from '../kit/api.ts';

/** Dispersed's way to say no. */
export const refusal = (status: number, code: string, message: string): Reply => ({
  status,
  body: { error: { code, message } },
});

const instead = (reply: Reply): NamedFault => ({ kind: 'instead', reply: () => reply });

export const SKEWED = refusal(
  401,
  'TIMESTAMP_OUT_OF_RANGE',
  'X-Time is more than 5 minutes from the time of the server',
);
export const REUSED = refusal(401, 'NONCE_REUSED', 'X-Nonce has been used within 24 hours');
export const UNSIGNED = refusal(401, 'INVALID_SIGNATURE', 'X-Signature does not match the request');
export const NO_NODE = refusal(409, 'NO_NODES_AVAILABLE', 'No node meets the requirements of the job');
export const TOO_OFTEN: Reply = {
  ...refusal(429, 'RATE_LIMITED', 'Too many requests'),
  headers: { 'retry-after': '1' },
};

export const RENDER_FAULTS = {
  ...COMMON_FAULTS,
  clock_skew: instead(SKEWED),
  nonce_reused: instead(REUSED),
  bad_signature: instead(UNSIGNED),
  '429': instead(TOO_OFTEN),
  no_credit: instead(refusal(402, 'INSUFFICIENT_CREDITS', 'Add credits to run jobs')),
  /** Of create_job: between the look at the offers and the creation it went to somebody else. */
  offer_gone_404: instead(refusal(404, 'GPU_NOT_FOUND', 'No such GPU')),
  offer_gone_410: instead(refusal(410, 'GONE', 'The node has left')),
  no_capacity: instead(NO_NODE),
  /** Of list_offers only: of jobs it may well be true. */
  empty_list: instead({ status: 200, body: { data: [], limit: 50, page: 1, total: 0 } }),
  /** All that need not be there is null. */
  null_fields: { kind: 'route' },
  /** Of create_job: it runs and never says where. */
  no_node_urls: { kind: 'route' },
  /** Of create_job: six times the GPUs that were asked for, and their bill. */
  larger_node: { kind: 'route' },
  /** Of create_job: when it is done, its status has a name that is in no list. */
  unknown_status: { kind: 'route' },
  /** Of cancel_job: 409, and it runs on. */
  not_cancellable: instead(refusal(409, 'JOB_NOT_CANCELLABLE', 'The job cannot be cancelled now')),
} as const satisfies Readonly<Record<string, NamedFault>>;
