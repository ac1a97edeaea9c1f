import { COMMON_FAULTS, type NamedFault, type Reply } from '../kit/api.ts';

/** Vast's way to say no. */
export const refusal = (status: number, error: string, msg: string): Reply => ({
  status,
  body: { success: false, error, msg },
});

const instead = (reply: Reply): NamedFault => ({ kind: 'instead', reply: () => reply });

export const tooOften = (seconds: number): Reply => ({
  status: 429,
  body: { detail: `API requests too frequent endpoint threshold=${seconds}` },
});

export const VAST_FAULTS = {
  ...COMMON_FAULTS,
  '429_text': instead({ status: 429, body: 'API requests too frequent' }),
  '429_json': instead(tooOften(4.5)),
  offer_gone_404: instead(refusal(404, 'not_found', 'Offer is no longer available')),
  offer_gone_410: instead(refusal(410, 'no_such_ask', 'Instance type by id is not available')),
  deprecated_endpoint: instead({
    status: 200,
    body: { success: false, error: 'deprecated_endpoint', msg: 'This endpoint is deprecated.' },
  }),
  /** Of search only: of instances it may well be true. */
  empty_list: instead({ status: 200, body: { offers: [] } }),
  no_credit: instead(refusal(402, 'insufficient_credit', 'Your account lacks credit')),
  /** `cpu_cores` and `geolocation`. */
  null_fields: { kind: 'route' },
  /** Of list: what was made a minute ago or less is not in it. */
  late_listing: { kind: 'route' },
  /** Of create: loading, then exited. */
  stuck_loading: { kind: 'route' },
  /** Of create: a minute after it is ready it is stopped. */
  outbid: { kind: 'route' },
  /** Of create: it costs more than was listed. */
  dearer: { kind: 'route' },
  /** Of logs: nothing is ever written. */
  log_never: { kind: 'route' },
} as const satisfies Readonly<Record<string, NamedFault>>;
