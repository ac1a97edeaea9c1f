/** From redirect to redirect, each of them a connection of its own to an address that is looked at anew. */
import { isThisMachine } from '#shared/runtime/this-machine.ts';
import type { CheckContext, Reach } from './check.ts';
import type { HttpProbe, HttpSeen, ProbeTools } from './tools.ts';

export interface Hop {
  /** Without a query: it may hold what is nobody's business. */
  readonly url: string;
  readonly status: number;
}

export interface Followed {
  /** The redirects, in order. */
  readonly hops: readonly Hop[];
  /** What answered last, or did not. */
  readonly last: HttpSeen;
  readonly lastUrl: string;
  /** Of all together. */
  readonly ms: number;
  /** Why it went no further though it was a redirect; null: it was none, or none was to be followed. */
  readonly stopped: string | null;
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** @param max redirects that are followed; 0: one is an answer */
export async function follow(
  first: HttpProbe,
  max: number,
  { http }: Pick<ProbeTools, 'http'>,
  context: CheckContext,
): Promise<Followed> {
  const hops: Hop[] = [];
  let request = first;
  for (let ms = 0; ; ) {
    const last = await http(request, context);
    ms += last.ms;
    const lastUrl = withoutQuery(request.url);
    const ended = (stopped: string | null): Followed => ({ hops, last, lastUrl, ms, stopped });
    if (!last.answered || !REDIRECTS.has(last.status) || max === 0) return ended(null);
    const next = placeOf(last.headers['location'], request.url);
    if (next === null) return ended('it redirects to no URL of http or https');
    if (hops.length === max) return ended(`it redirects more than ${max} times`);
    hops.push({ url: lastUrl, status: last.status });
    // What was meant for one service is not told to another; and a token goes where the suite says, not where an answer does.
    const headers = next.origin === new URL(request.url).origin ? request.headers : {};
    request = { ...request, url: next.href, headers, idToken: false, reach: reachFrom(first.url, next, first.reach) };
  }
}

/**
 * What may be called of that to which an answer sends: who is elsewhere sends nobody to this machine, though the entry point may look at it.
 * A name is what it was when the suite named it.
 */
export function reachFrom(first: string, next: URL, reach: Reach): Reach {
  const { hostname } = new URL(first);
  return isThisMachine(hostname) || next.hostname === hostname ? reach : { ...reach, loopback: false };
}

function placeOf(location: string | undefined, from: string): URL | null {
  const url = location === undefined ? null : URL.parse(location, from);
  return url !== null && /^https?:$/.test(url.protocol) ? url : null;
}

function withoutQuery(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}
