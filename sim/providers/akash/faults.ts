import { COMMON_FAULTS, type NamedFault, type Reply } from '../kit/api.ts';

/** The Console API's way to say no. */
export const refusal = (status: number, code: string, message: string): Reply => ({
  status,
  body: { error: `${code}_error`, message, code, type: status < 500 ? 'client_error' : 'server_error' },
});

export const bidNotOpen = (): Reply =>
  refusal(
    400,
    'bad_request',
    'Cannot create lease: The selected bid is no longer open. Please refresh and select an available bid.',
  );

const instead = (reply: Reply): NamedFault => ({ kind: 'instead', reply: () => reply });

export const AKASH_FAULTS = {
  ...COMMON_FAULTS,
  '402': instead(refusal(402, 'payment_required', 'Insufficient balance')),
  /** The Console's own funding wallet. */
  '503_wallet': instead(refusal(503, 'service_unavailable', 'Service temporarily unavailable')),
  insufficient_funds: instead(refusal(400, 'bad_request', 'Failed to create deployment: Insufficient funds')),
  deployment_closed: instead(refusal(400, 'bad_request', 'Failed to create lease: Deployment closed')),
  validation: instead(refusal(400, 'validation_error', 'data.sdl: Invalid SDL')),
  rate_limited: instead(refusal(429, 'rate_limited', 'Too many requests')),
  /** Of both lists. */
  empty_list: { kind: 'route' },
  /** Of providers and prices: what may be null is. */
  null_fields: { kind: 'route' },
  /** Of create: nobody bids on it. */
  no_bids: { kind: 'route' },
  /** Of create: whoever bids asks ten times as much. */
  dear_bids: { kind: 'route' },
  /** Of create: bids in the other coin. */
  uakt_bids: { kind: 'route' },
  /** Of bids: they are shown, and all of them are closed. */
  bids_closed: { kind: 'route' },
  /** Of lease: the bid closes before it. */
  bid_closes: { kind: 'route' },
  /** Of lease: it is made, and its provider did not get the manifest; it gives up waiting after five minutes. */
  manifest_lost: { kind: 'route' },
  /** Of lease: it is made, and closed five minutes later for a reason of the class. */
  lease_closed_tenant: { kind: 'route' },
  lease_closed_provider: { kind: 'route' },
  lease_closed_network: { kind: 'route' },
  /** Of deployment: the provider of the lease does not answer the Console. */
  status_silent: { kind: 'route' },
} as const satisfies Readonly<Record<string, NamedFault>>;
