import { type AuroraError, RejectedError, TransientError } from '#shared/errors.ts';
import { type Answer, unreadable } from './answer.ts';

/** What 404 and 410 mean: an offer that is gone, or that there is nothing, which is told by the same code. */
export type Missing = 'offer_gone' | 'nothing';

/** What a status says by itself; null: it is a success. */
export function failureOf(answer: Answer, missing?: Missing): AuroraError | null {
  const { status, what } = answer;
  if (status >= 200 && status < 300) return null;
  const message = `${what}: ${status} ${reasonOf(answer)}`.trimEnd();
  if (status === 401 || status === 403) return new RejectedError('provider_unauthorized', message);
  if (status === 402) return new RejectedError('provider_funds', message);
  if ((status === 404 || status === 410) && missing !== undefined) {
    // A page for people comes from something before the API: it would end the look for an instance that lives and costs.
    if (missing === 'nothing' && answer.text.startsWith('<')) return unreadable(message);
    return new RejectedError('offer_gone', message);
  }
  if (status === 429) return new TransientError('provider_rate_limited', message);
  if (status === 408 || status === 425 || status >= 500) return new TransientError('provider_unavailable', message);
  if (status >= 400) return new RejectedError('provider_refused', message);
  return new TransientError('provider_answer_invalid', `${message}: expected an answer, got a redirect`);
}

/** The provider's own words, where they are in one of the usual places. */
export function reasonOf({ json, text }: Answer): string {
  const inner = fieldsOf(fieldsOf(json)['error']);
  const { msg, message, detail, error } = fieldsOf(json);
  const said = [msg, message, detail, inner['message'], inner['code'], error].find(
    (word): word is string => typeof word === 'string' && word !== '',
  );
  return said === undefined ? text : said.slice(0, 200);
}

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};

/** Vast names its spacing in the refusal, in seconds. */
const THRESHOLD = /threshold\s*=\s*(\d{1,4}(?:\.\d{1,3})?)/;
/** Where neither the provider nor our own table says. */
const UNKNOWN_PENALTY_MS = 2_000;
/** No provider shuts a key out for longer on purpose; a larger number is a mistake of theirs. */
const MAX_PENALTY_MS = 5 * 60_000;

/** World milliseconds to leave the endpoint alone. */
export function penaltyMs({ headers, text }: Answer, spacingMs: number): number {
  const seconds = Number(THRESHOLD.exec(text)?.[1] ?? headers['retry-after'] ?? Number.NaN);
  const named = Number.isFinite(seconds) ? seconds * 1_000 : 0;
  const ms = Math.max(named, spacingMs);
  return Math.min(ms > 0 ? ms : UNKNOWN_PENALTY_MS, MAX_PENALTY_MS);
}
