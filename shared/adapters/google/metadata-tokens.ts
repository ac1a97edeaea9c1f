/**
 * Tokens of the ambient identity, from the metadata server of where it runs (Cloud Run, GKE with Workload Identity):
 * https://cloud.google.com/compute/docs/metadata/overview. Renewed before they end, and nobody waits for that while the old one
 * lives; callers that come together wait for the same answer. Nothing that fails here ever tells a token.
 */
import { z } from 'zod';
import { TransientError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import { within } from '../client/waits.ts';

export interface MetadataTokensOptions {
  /** Of the metadata server. */
  readonly origin: string;
  readonly hostClock: HostClock;
}

/** What each answers throws TransientError upstream_unavailable. */
export interface MetadataTokens {
  /** For Google's APIs (OAuth 2.0). */
  access(): Promise<string>;
  /** For the API of a cluster: the token tells the account's e-mail address too, or RBAC sees a number. */
  cluster(): Promise<string>;
  /** For a service of ours: an ID token made out for its URL. */
  identity(audience: string): Promise<string>;
}

const CLUSTER_SCOPES = [
  'https://www.googleapis.com/auth/cloud-platform',
  'https://www.googleapis.com/auth/userinfo.email',
];
const ACCOUNT = '/computeMetadata/v1/instance/service-accounts/default';
/** It answers from memory, in milliseconds; where there is none, nobody does. */
const DEADLINE_MS = 3_000;
/** The server has a new one five minutes before the old one ends. */
const MARGIN_MS = 4 * 60_000;
/** So long before its end it is not given out any more: it must outlive the request. */
const LAST_USE_MS = 30_000;

interface Token {
  readonly token: string;
  /** Host epoch milliseconds. */
  readonly endsMs: number;
}

export function createMetadataTokens({ origin, hostClock }: MetadataTokensOptions): MetadataTokens {
  const get = async (path: string): Promise<string> => {
    const response = await within(hostClock, DEADLINE_MS, async (signal) => {
      const headers = { 'metadata-flavor': 'Google' };
      const got = await fetch(origin + ACCOUNT + path, { headers, signal, redirect: 'error' });
      return { status: got.status, text: await got.text() };
    }).catch((error: unknown) => {
      throw unavailable(error instanceof Error ? error.message : String(error));
    });
    if (response.status !== 200) throw unavailable(`HTTP ${response.status}`);
    return response.text;
  };
  const accessBy = (path: string): (() => Promise<string>) =>
    kept(hostClock, async () => {
      const answer = accessAnswer.safeParse(jsonOf(await get(path)));
      if (!answer.success) throw unavailable('an answer without a token');
      return { token: answer.data.access_token, endsMs: hostClock.now() + answer.data.expires_in * 1_000 };
    });
  /** By audience: a process calls one service or two. */
  const identities = new Map<string, () => Promise<string>>();
  const identityOf = (audience: string): (() => Promise<string>) =>
    kept(hostClock, async () => {
      const token = (await get(`/identity?${new URLSearchParams({ audience, format: 'full' })}`)).trim();
      const claims = identityClaims.safeParse(jsonOf(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()));
      if (!claims.success) throw unavailable('an answer that is no ID token');
      return { token, endsMs: claims.data.exp * 1_000 };
    });
  return {
    access: accessBy('/token'),
    cluster: accessBy(`/token?${new URLSearchParams({ scopes: CLUSTER_SCOPES.join(',') })}`),
    identity(audience) {
      const known = identities.get(audience) ?? identityOf(audience);
      identities.set(audience, known);
      return known();
    },
  };
}

const accessAnswer = z.object({ access_token: z.string().min(1), expires_in: z.number().positive() });
const identityClaims = z.object({ exp: z.number().positive() });

/** The same answer until another is there, or it is about to end. */
function kept(hostClock: HostClock, ask: () => Promise<Token>): () => Promise<string> {
  let last: Token | null = null;
  let asking: Promise<string> | null = null;
  const renew = async (): Promise<string> => {
    last = await ask();
    return last.token;
  };
  return () => {
    const leftMs = last === null ? 0 : last.endsMs - hostClock.now();
    if (last !== null && leftMs > MARGIN_MS) return Promise.resolve(last.token);
    asking ??= renew().finally(() => {
      asking = null;
    });
    if (last === null || leftMs <= LAST_USE_MS) return asking;
    // Who comes next asks again.
    asking.catch(() => undefined);
    return Promise.resolve(last.token);
  };
}

const unavailable = (why: string): TransientError =>
  new TransientError(
    'upstream_unavailable',
    `metadata server: ${why}; outside Google Cloud there is none: name endpoints (AURORA_STORAGE_ENDPOINT, …) or run it there`,
  );

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
