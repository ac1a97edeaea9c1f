import type { SubscriptionConfig } from '#shared/ports/bus.ts';

/** How a push ended: with a status, or without one. */
export type PushResult = { readonly status: number } | { readonly error: string };

export type Settlement =
  | { readonly kind: 'ack' }
  | { readonly kind: 'retry'; readonly delayMs: number; readonly error: string }
  | { readonly kind: 'give_up'; readonly error: string };

/** Pub/Sub's acknowledging codes; all else, a redirect too, means: again. */
const ACK_STATUS: ReadonlySet<number> = new Set([102, 200, 201, 202, 204]);

/** Jitter shortens a delay by up to a quarter, so that it spreads a herd and never passes the limit. */
const JITTER_SHARE = 0.25;

/** min * 2^(n-1) up to max, less the jitter. `attempts` >= 1; `draw` in [0, 1). */
function backoffMs(
  limits: Pick<SubscriptionConfig, 'minBackoffMs' | 'maxBackoffMs'>,
  attempts: number,
  draw: number,
): number {
  const full = Math.min(limits.maxBackoffMs, limits.minBackoffMs * 2 ** Math.min(attempts - 1, 40));
  return Math.round(full * (1 - JITTER_SHARE * draw));
}

/** What becomes of a delivery. Without a dead-letter topic it comes again until its retention ends. */
export function decideSettlement(
  subscription: SubscriptionConfig,
  attempts: number,
  result: PushResult,
  draw: number,
): Settlement {
  if ('status' in result && ACK_STATUS.has(result.status)) return { kind: 'ack' };
  const error = 'status' in result ? `HTTP ${result.status}` : result.error;
  return isLastAttempt(subscription, attempts)
    ? { kind: 'give_up', error }
    : { kind: 'retry', delayMs: backoffMs(subscription, attempts, draw), error };
}

export const isLastAttempt = (subscription: SubscriptionConfig, attempts: number): boolean =>
  subscription.deadLetterTopic !== null && attempts >= subscription.maxAttempts;
