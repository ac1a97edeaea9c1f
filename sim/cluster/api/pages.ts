/**
 * Pages of a list, all of the moment of the first. A token names that moment and the object that the page before ended with; the moments
 * are kept for a while, then the token is too old.
 */
import { z } from 'zod';
import type { ClusterObject } from '../objects/object.ts';

export interface Page {
  readonly items: readonly ClusterObject[];
  /** Of the moment. */
  readonly version: number;
  /** Null: this was the last. */
  readonly next: string | null;
  readonly remaining: number;
}

export type Paged = { readonly page: Page } | { readonly expired: string } | { readonly malformed: true };

export interface Pages {
  /** @param limit 0: all. */
  first(place: string, items: readonly ClusterObject[], version: number, limit: number): Page;
  /** `expired`: a token that goes on from there among what is there now. */
  next(place: string, token: string, limit: number, now: () => readonly ClusterObject[], version: number): Paged;
}

/** Moments that are remembered, the newest. */
const KEPT = 64;

const token = z.object({ v: z.literal('meta.k8s.io/v1'), rv: z.int(), start: z.string() });

const encode = (rv: number, start: string): string =>
  Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv, start })).toString('base64url');

function decode(text: string): z.infer<typeof token> | null {
  try {
    return token.parse(JSON.parse(Buffer.from(text, 'base64url').toString('utf8')));
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return null;
    throw error;
  }
}

/** Any moment: what the API gives with a refusal, for those who can live with two. */
const ANY = -1;

export function createPages(): Pages {
  const moments = new Map<string, readonly ClusterObject[]>();

  /** Of `all` those behind `start`. */
  function pageOf(place: string, all: readonly ClusterObject[], start: string, version: number, limit: number): Page {
    const items = all.filter((item) => keyOf(item) > start);
    const page = limit === 0 ? items : items.slice(0, limit);
    const last = page.at(-1);
    if (last === undefined || page.length === items.length) return { items: page, version, next: null, remaining: 0 };
    moments.set(`${place}@${version}`, all);
    for (const old of moments.keys()) {
      if (moments.size <= KEPT) break;
      moments.delete(old);
    }
    return { items: page, version, next: encode(version, keyOf(last)), remaining: items.length - page.length };
  }

  return {
    first: (place, items, version, limit) => pageOf(place, items, '', version, limit),
    next(place, text, limit, now, version) {
      const asked = decode(text);
      if (asked === null) return { malformed: true };
      if (asked.rv === ANY) return { page: pageOf(place, now(), asked.start, version, limit) };
      const items = moments.get(`${place}@${asked.rv}`);
      if (items === undefined) return { expired: encode(ANY, asked.start) };
      return { page: pageOf(place, items, asked.start, asked.rv, limit) };
    },
  };
}

const keyOf = ({ metadata: { namespace = '', name } }: ClusterObject): string => `${namespace}/${name}`;
