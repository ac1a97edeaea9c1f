/** What a fake provider's API is made of, in words that all fakes share. */
import type { IncomingHttpHeaders } from 'node:http';

export interface FakeRequest {
  readonly operation: string;
  readonly method: string;
  readonly path: string;
  /** As it was sent, without "?". */
  readonly search: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** As it was sent. */
  readonly text: string;
  /** Undefined: no JSON. */
  readonly body: unknown;
  /** Groups of the route's pattern. */
  readonly params: readonly string[];
  /** World epoch milliseconds of its arrival. */
  readonly nowMs: number;
  /** Origin of the routes that lie elsewhere. */
  readonly elsewhere: string;
  /** The fault that it meets, for those that only the route itself can show; null: none. */
  readonly fault: string | null;
}

export interface Reply {
  readonly status: number;
  /** Sent as JSON, unless it is text. */
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** The instance that it is about, for the log. */
  readonly nativeId?: string;
}

export interface Route {
  readonly operation: string;
  readonly method: string;
  readonly pattern: RegExp;
  /** Operations that share a spacing; default: the operation. */
  readonly endpoint?: string;
  /** On another origin, where anyone may call and nobody counts: a URL that was handed out. */
  readonly elsewhere?: boolean;
  handle(request: FakeRequest): Reply;
}

/** A way to misbehave. */
export type NamedFault =
  /** Answered so, and nothing is done. */
  | { readonly kind: 'instead'; reply(request: FakeRequest): Reply }
  /** Done, then answered otherwise. */
  | { readonly kind: 'after'; reply(reply: Reply, request: FakeRequest): Reply }
  /** The connection is cut. */
  | { readonly kind: 'reset'; readonly done: boolean }
  /** Never answered. */
  | { readonly kind: 'hang'; readonly done: boolean }
  /** Done at once, answered late. */
  | { readonly kind: 'slow' }
  /** The route's own: it sees `fault`. */
  | { readonly kind: 'route' };

const broken = (reply: Reply): Reply => {
  const text = typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body);
  return { ...reply, body: `${text.slice(0, Math.max(1, text.length - 2))}` };
};

/** Those of any server and any line. */
export const COMMON_FAULTS = {
  reset: { kind: 'reset', done: false },
  reset_after_effect: { kind: 'reset', done: true },
  hang: { kind: 'hang', done: false },
  hang_after_effect: { kind: 'hang', done: true },
  slow_first_byte: { kind: 'slow' },
  malformed_json: { kind: 'after', reply: broken },
  empty_body: { kind: 'after', reply: (reply) => ({ ...reply, status: 200, body: '' }) },
  html: { kind: 'instead', reply: () => ({ status: 200, body: '<html><body>Checking your browser</body></html>' }) },
  '500': { kind: 'instead', reply: () => ({ status: 500, body: { error: 'internal', msg: 'Internal Server Error' } }) },
  '500_after_effect': {
    kind: 'after',
    reply: (reply) => ({ ...reply, status: 500, body: { error: 'internal', msg: 'Internal Server Error' } }),
  },
  /** With `from_ms` and `until_ms`: down for a while. */
  flap: { kind: 'reset', done: false },
} as const satisfies Readonly<Record<string, NamedFault>>;
