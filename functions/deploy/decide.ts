import { ENDED_TTL_MS, OFFER_PATIENCE_MS } from '#shared/defaults.ts';
import {
  attemptOf,
  type DeploymentRecord,
  type EndedDeployment,
  endedOf,
  type OpenDeployment,
} from '#shared/domain/deployment.ts';
import type { DeploymentRequest } from '#shared/domain/events/catalogue.ts';
import type { Outcome } from '#shared/domain/outcome.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import type { AuroraError } from '#shared/errors.ts';
import { offersStaleLimitMs } from '#shared/serving/offers.ts';

/** What a delivery asks for, given what is on record. */
export type Step =
  /** Claim the attempt, then create the instance. */
  | 'claim'
  /** Claimed before, fate unknown: create again (the label makes it idempotent). */
  | 'create'
  /** The attempt came to nothing: publish what follows from it (again). */
  | 'move_on'
  /** Instance exists: make sure that watch sees it. */
  | 'index'
  /** Nobody remembers whether it had its turn: it gets none now. */
  | 'expire'
  /** Its tenant gave it up before its turn came: publish that, and end it. */
  | 'give_up'
  /** Its tenant gave it up meanwhile: end what may have been made, publish that, and end it. */
  | 'cancel'
  /** Nothing to do: a late duplicate. */
  | 'done';

/** World time, and how many world milliseconds pass in one of the host's. */
export interface Moment {
  readonly nowMs: number;
  readonly speed: number;
}

/** Host milliseconds since the attempt was asked for, as far as the world moved: it stands still while the stack is down. */
export const ageMs = ({ requested_at }: DeploymentRequest, { nowMs, speed }: Moment): number =>
  (nowMs - Date.parse(requested_at)) / speed;

export function nextStep(record: DeploymentRecord | null, request: DeploymentRequest, moment: Moment): Step {
  // Past the life of an ended record its absence means nothing: a dead letter replayed after days, say.
  if (record === null) return ageMs(request, moment) > ENDED_TTL_MS ? 'expire' : 'claim';
  if (record.state === 'cancelled') return 'give_up';
  if (record.state === 'ended' || record.attempt > request.attempt) return 'done';
  // What lives is watch's to end.
  if (record.state !== 'live' && record.cancel_requested_at !== null) return 'cancel';
  if (record.attempt < request.attempt) return 'claim';
  switch (record.state) {
    case 'deploying':
      return 'create';
    case 'gone':
      return 'move_on';
    case 'live':
      return 'index';
  }
}

export const claimed = (request: DeploymentRequest, nowMs: number): OpenDeployment => ({
  state: 'deploying',
  attempt: request.attempt,
  request,
  instance_id: null,
  claimed_at: rfc3339(nowMs),
  given_up: null,
  ready_published: false,
  ready_at: null,
  ready_within_ms: 0,
  unknown_since: null,
  cancel_requested_at: null,
  seen: null,
  ending: null,
});

/** A request that is too old to be acted on: ended, and our fault. No other offer is tried for it. */
export const expired = (request: DeploymentRequest, nowMs: number): OpenDeployment =>
  givenUp(claimed({ ...request, fallbacks: [] }, nowMs), { at: rfc3339(nowMs), blame: 'ours', in_doubt: false });

/** What a provider said when asked for an instance. */
export type Answer =
  | { readonly kind: 'made'; readonly instanceId: string }
  /** Nothing was made by this call, and asking again is of no use. */
  | { readonly kind: 'refused'; readonly error: AuroraError }
  /** No answer: it may have been made all the same. */
  | { readonly kind: 'silent'; readonly error: AuroraError };

/** The record after the answer, or why to ask again later. */
export type Consequence = { readonly next: OpenDeployment } | { readonly again: AuroraError };

export interface Answered extends Moment {
  /** The provider had been asked before, by a delivery whose answer nobody has: of what that made a refusal says nothing. */
  readonly before: boolean;
}

export function afterAnswer(record: OpenDeployment, answer: Answer, { before, ...moment }: Answered): Consequence {
  if (answer.kind === 'made') return { next: { ...record, state: 'live', instance_id: answer.instanceId } };
  const { kind, error } = answer;
  const silent = kind === 'silent';
  if (silent && ageMs(record.request, moment) <= OFFER_PATIENCE_MS) return { again: error };
  // An offer that sold out while the request waited for us was no false promise.
  const ourDelay = moment.nowMs - Date.parse(record.request.requested_at) > offersStaleLimitMs(moment.speed);
  const provider = silent ? error.code !== 'internal' : error.code === 'offer_gone' && !ourDelay;
  const blame = provider ? 'provider' : 'ours';
  // That an offer is gone is said after a look, which found nothing.
  const inDoubt = silent || (before && error.code !== 'offer_gone');
  return { next: givenUp(record, { at: rfc3339(moment.nowMs), blame, in_doubt: inDoubt }) };
}

type GivenUp = NonNullable<OpenDeployment['given_up']>;

const givenUp = (record: OpenDeployment, given_up: GivenUp): OpenDeployment => ({ ...record, state: 'gone', given_up });

/** Of a record in state gone. */
export const endOf = ({ given_up, claimed_at }: OpenDeployment): GivenUp =>
  given_up ?? { at: claimed_at, blame: 'provider', in_doubt: false };

/**
 * The request for the next offer, or null when none is left. Sent at the instant on record, so that a repetition is the same
 * event. A silent provider is not tried with its other offers: it would be as silent, and what it may have made has the label.
 */
export function nextAttempt(record: OpenDeployment): DeploymentRequest | null {
  const { request } = record;
  const { at, in_doubt: inDoubt } = endOf(record);
  const left = request.fallbacks.filter(({ provider }) => !inDoubt || provider !== request.option.provider);
  const [option, ...fallbacks] = left;
  if (option === undefined) return null;
  return { ...request, requested_at: at, attempt: request.attempt + 1, propensity: null, option, fallbacks };
}

/** Of an attempt under which nothing was ever made. */
const NOTHING_RAN = {
  sequence: 1,
  final: true,
  ready_ms: null,
  ready_within_ms: null,
  latency_ms: null,
  exposure_hours: 0,
  useful_gpu_hours: 0,
  billed_gpu_hours: 0,
  cost_usd: 0,
  effective_usd_per_gpu_hour: null,
} as const;

/** The failed start of an attempt that came to nothing. */
export function goneOutcome(record: OpenDeployment): Outcome {
  const { at, blame } = endOf(record);
  return { ...attemptOf(record.request), ...NOTHING_RAN, observed_at: at, status: 'failed_to_start', blame };
}

/** Given up by its tenant before anything was made for it. */
const cancelledOutcome = (request: DeploymentRequest, at: string): Outcome => ({
  ...attemptOf(request),
  ...NOTHING_RAN,
  observed_at: at,
  status: 'cancelled',
  blame: 'tenant',
});

/** How an attempt that its tenant has given up ends: what is published, and what stays of it. */
export interface Cancellation {
  readonly outcomes: readonly Outcome[];
  readonly ended: EndedDeployment;
}

/** Given up before deploy had taken it. */
export const givenUpAt = (request: DeploymentRequest, at: string): Cancellation =>
  endedBy([cancelledOutcome(request, at)], claimed(request, Date.parse(at)));

/**
 * Of an open record. An attempt that had come to nothing stays the failed start that it was, which may be published already: it is
 * the next one that is not made any more.
 */
export function cancellationOf(record: OpenDeployment): Cancellation {
  const at = record.cancel_requested_at ?? record.claimed_at;
  if (record.state !== 'gone') return endedBy([perhapsMade(cancelledOutcome(record.request, at))], record);
  const next = nextAttempt(record);
  const failed = goneOutcome(record);
  if (next === null) return endedBy([failed], record);
  return endedBy([failed, cancelledOutcome(next, at)], claimed(next, Date.parse(at)));
}

function endedBy(outcomes: readonly [Outcome, ...Outcome[]], record: OpenDeployment): Cancellation {
  return { outcomes, ended: endedOf(record, outcomes.at(-1) ?? outcomes[0]) };
}

/** What a provider may have billed until it was found nobody can say. */
const perhapsMade = (outcome: Outcome): Outcome => ({
  ...outcome,
  useful_gpu_hours: null,
  billed_gpu_hours: null,
  cost_usd: null,
});
