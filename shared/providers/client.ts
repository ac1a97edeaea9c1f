/**
 * Calls to a provider's API: JSON over one agent with kept connections, each call within its deadline, its turn (pace), its
 * size; read by a schema; counted. Repeated only where that can do no harm. The key is in no error, log or metric.
 */
import type { z } from 'zod';
import { type AuroraError, RejectedError, TransientError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import { createHttpClient } from '#shared/runtime/http-client.ts';
import type { HttpRequest } from '#shared/runtime/http-exchange.ts';
import { pause } from '#shared/runtime/pause.ts';
import type { Metrics } from '#shared/telemetry/metrics.ts';
import { type Answer, answerOf, isUnreadable, parsedAnswer, redactor } from './answer.ts';
import { callMetrics, type Timed } from './call-metrics.ts';
import type { Pace } from './pace.ts';
import type { CallContext } from './provider.ts';
import { failureOf, type Missing, penaltyMs } from './refusal.ts';

export interface ProviderCall<T> {
  /** Names the call in errors and metrics, e.g. "create". */
  readonly operation: string;
  /** Of `spacingMs`. */
  readonly endpoint: string;
  readonly method: HttpRequest['method'];
  /** Absolute, without query. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Unknown fields pass; what is missing or odd is provider_answer_invalid. */
  readonly answer: z.ZodType<T>;
  /**
   * Whether the same call may be made again after an answer that was lost or broken. A refusal for the rate is repeated in any
   * case: nothing has happened.
   */
  readonly repeat: 'safe' | 'never';
  /** The provider's own way to say no, of any status; null: the status decides. */
  readonly refusal?: (answer: Answer) => AuroraError | null;
  /** What 404 and 410 mean; default provider_refused. */
  readonly missing?: Missing;
  readonly maxBytes?: number;
}

export interface ProviderClient {
  /**
   * @throws the errors of provider.ts; deadline_exceeded when the caller's time is over; the signal's reason
   */
  ask<T>(call: ProviderCall<T>, context: CallContext): Promise<T>;
  /** The same, with null for 404 and 410; not for those of a proxy, which knows nothing of instances. */
  askOrNull<T>(call: ProviderCall<T>, context: CallContext): Promise<T | null>;
  /** The same as `ask`, for the host milliseconds that the answer took; waiting for a turn is not in them. */
  time<T>(call: ProviderCall<T>, context: CallContext): Promise<number>;
  close(): Promise<void>;
}

/** As it goes out, for signatures. */
export interface OutgoingCall {
  readonly method: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** Empty: none. */
  readonly body: string;
}

export interface ProviderClientOptions {
  readonly provider: string;
  /** Origin, without a path. */
  readonly baseUrl: string;
  readonly hostClock: HostClock;
  readonly pace: Pace;
  /** Uniform in [0, 1): jitter. */
  readonly random: () => number;
  readonly metrics: Metrics;
  /** World milliseconds between two calls, by endpoint. */
  readonly spacingMs: Readonly<Record<string, number>>;
  /** Headers that say who calls; asked for each attempt. */
  authorize(call: OutgoingCall): Readonly<Record<string, string>>;
  /** What must never be told. */
  readonly secrets: readonly string[];
  /** Default: JSON.stringify. */
  readonly encode?: (body: unknown) => string;
  /** Host milliseconds of one attempt. */
  readonly attemptMs?: number;
}

/** With jitter between them about as long as a provider's own hiccups last; more belongs to whoever called. */
const MAX_ATTEMPTS = 4;
/** Host milliseconds before the second attempt at most; doubled for each further one. */
const BACKOFF_MS = 250;
/** Host milliseconds: a list of offers takes a second or two. */
const ATTEMPT_MS = 10_000;
/** A thousand offers of a kilobyte, four times over. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;

const PRINTABLE = /^[!-~]+$/;

/** @throws RejectedError config_invalid: a key that no header can carry */
export function createProviderClient(options: ProviderClientOptions): ProviderClient {
  const { provider, baseUrl, hostClock, pace, random, authorize, encode = JSON.stringify } = options;
  const { attemptMs = ATTEMPT_MS } = options;
  const http = createHttpClient({ hostClock });
  const observe = callMetrics(options.metrics, provider);
  const redact = redactor(options.secrets);
  // In words that do not tell it: a header takes no other key.
  if (options.secrets.some((secret) => !PRINTABLE.test(secret)))
    throw new RejectedError('config_invalid', `key of ${provider}: expected printable characters without spaces`);

  async function exchange<T>(call: ProviderCall<T>, { deadline, signal }: CallContext): Promise<Answer> {
    const leftMs = deadline - hostClock.now();
    const what = `${provider} ${call.operation}`;
    if (leftMs <= 0) throw new TransientError('deadline_exceeded', `${what}: no time is left for it`);
    const { query = {} } = call;
    const body = call.body === undefined ? '' : encode(call.body);
    const search = new URLSearchParams(query).toString();
    try {
      const { status, bytes, headers } = await http.exchange({
        url: `${baseUrl}${call.path}${search === '' ? '' : `?${search}`}`,
        method: call.method,
        headers: {
          accept: 'application/json',
          ...(body === '' ? {} : { 'content-type': 'application/json' }),
          ...authorize({ method: call.method, path: call.path, query, body }),
        },
        ...(body === '' ? {} : { body }),
        deadlineMs: Math.min(leftMs, attemptMs),
        ...(signal === undefined ? {} : { signal }),
        maxBytes: call.maxBytes ?? MAX_ANSWER_BYTES,
      });
      return answerOf(what, status, headers, bytes, redact);
    } catch (error) {
      if (!(error instanceof TransientError)) throw error;
      // The caller's own time is over, or only that of this attempt.
      if (error.code === 'deadline_exceeded' && leftMs <= attemptMs)
        throw new TransientError('deadline_exceeded', `${what}: ${redact(error.message)}`);
      throw new TransientError('provider_unavailable', `${what}: ${redact(error.message)}`, { cause: error.cause });
    }
  }

  async function attempt<T>(call: ProviderCall<T>, context: CallContext): Promise<T> {
    const answer = await exchange(call, context);
    const refused = call.refusal?.(answer) ?? failureOf(answer, call.missing);
    if (refused !== null) {
      if (refused.code === 'provider_rate_limited')
        await pace.penalise(call.endpoint, penaltyMs(answer, options.spacingMs[call.endpoint] ?? 0));
      throw refused;
    }
    return parsedAnswer(answer, call.answer);
  }

  async function run<T>(call: ProviderCall<T>, context: CallContext): Promise<Timed<T>> {
    let last: AuroraError | null = null;
    for (let attempts = 1; ; attempts += 1) {
      try {
        await pace.reserve(call.endpoint, options.spacingMs[call.endpoint] ?? 0, context);
      } catch (error) {
        // What the provider said last says more than that its next turn comes too late.
        throw last ?? error;
      }
      try {
        return await observe(call.operation, () => attempt(call, context));
      } catch (error) {
        if (attempts === MAX_ATTEMPTS || !mayRepeat(error, call.repeat)) throw error;
        last = error;
        const backoffMs = random() * BACKOFF_MS * 2 ** (attempts - 1);
        if (hostClock.now() + backoffMs >= context.deadline) throw error;
        await pause(hostClock, backoffMs, context.signal);
      }
    }
  }

  const ask = async <T>(call: ProviderCall<T>, context: CallContext): Promise<T> => (await run(call, context)).value;

  return {
    ask,
    async askOrNull(call, context) {
      try {
        return await ask({ ...call, missing: 'nothing' }, context);
      } catch (error) {
        if (error instanceof RejectedError && error.code === 'offer_gone') return null;
        throw error;
      }
    },
    time: async (call, context) => (await run(call, context)).ms,
    close: () => http.close(),
  };
}

function mayRepeat(error: unknown, repeat: 'safe' | 'never'): error is AuroraError {
  if (!(error instanceof TransientError)) return false;
  if (error.code === 'provider_rate_limited') return true;
  return repeat === 'safe' && (error.code === 'provider_unavailable' || isUnreadable(error));
}
