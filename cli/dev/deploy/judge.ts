/** Whether a revision does worse than the one before it, by what Cloud Run's request log says of both. Pure. */
import { z } from 'zod';

export interface Seen {
  readonly requests: number;
  /** Answered with 5xx. */
  readonly errors: number;
  /** Null: nobody asked. */
  readonly p95Ms: number | null;
}

/** Entries of the log `requests`: `httpRequest` of LogEntry, whose latency is a duration such as "0.123s". */
const entries = z.array(
  z.object({
    httpRequest: z.object({ status: z.number().default(0), latency: z.string().default('0s') }).prefault({}),
  }),
);

export function seenIn(json: string): Seen {
  const found = entries.parse(JSON.parse(json)).map(({ httpRequest }) => httpRequest);
  const times = found.map(({ latency }) => Number.parseFloat(latency) * 1000).sort((a, b) => a - b);
  return {
    requests: found.length,
    errors: found.filter(({ status }) => status >= 500).length,
    p95Ms: times[Math.ceil(times.length * 0.95) - 1] ?? null,
  };
}

/** Fewer prove nothing: the revision then passes on its answers to the probes alone. */
const ENOUGH_REQUESTS = 20;
/** One or two happen to everybody. */
const FEW_ERRORS = 2;
/** Above twice the share of the other. */
const ERROR_MARGIN = 0.01;
/** For a p95: of twenty, it is the slowest but one, and the first start is among them. */
const ENOUGH_TIMES = 60;
const SLOWER = 1.5;
const SLOWER_MARGIN_MS = 100;

export interface Judged {
  /** `quiet`: too few requests to say. */
  readonly verdict: 'fine' | 'quiet' | 'worse';
  readonly words: string;
}

export function judge(now: Seen, before: Seen): Judged {
  const words = `${wordsOf(now)}; before: ${wordsOf(before)}`;
  const limit = 2 * shareOf(before) + ERROR_MARGIN;
  if (now.errors > FEW_ERRORS && shareOf(now) > limit) return { verdict: 'worse', words: `more errors: ${words}` };
  if (now.requests < ENOUGH_REQUESTS) return { verdict: 'quiet', words };
  const slowLimitMs = SLOWER * (before.p95Ms ?? 0) + SLOWER_MARGIN_MS;
  if (Math.min(now.requests, before.requests) >= ENOUGH_TIMES && (now.p95Ms ?? 0) > slowLimitMs)
    return { verdict: 'worse', words: `slower: ${words}` };
  return { verdict: 'fine', words };
}

const shareOf = ({ requests, errors }: Seen): number => (requests === 0 ? 0 : errors / requests);

const wordsOf = ({ requests, errors, p95Ms }: Seen): string =>
  `${requests} requests, ${errors} errors${p95Ms === null ? '' : `, p95 ${Math.round(p95Ms)} ms`}`;
