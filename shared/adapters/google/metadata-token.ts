/**
 * The access token of the ambient identity, from the metadata server of where it runs (Cloud Run, GKE with Workload Identity):
 * https://cloud.google.com/compute/docs/metadata/overview. Kept until shortly before it expires; callers that come together wait
 * for the same answer. Nothing that fails here ever tells a token.
 */
import { z } from 'zod';
import { TransientError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import { within } from './waits.ts';

export interface MetadataTokenOptions {
  /** Of the metadata server. */
  readonly origin: string;
  readonly hostClock: HostClock;
}

const PATH = '/computeMetadata/v1/instance/service-accounts/default/token';
/** It answers from memory, in milliseconds; where there is none, nobody does. */
const DEADLINE_MS = 3_000;
/** The server has a new one five minutes before the old one ends. */
const MARGIN_MS = 4 * 60_000;

const answer = z.object({ access_token: z.string().min(1), expires_in: z.number().positive() });

/** What it answers throws TransientError upstream_unavailable. */
export function createMetadataToken({ origin, hostClock }: MetadataTokenOptions): () => Promise<string> {
  let kept: { readonly token: string; readonly untilMs: number } | null = null;
  let asking: Promise<string> | null = null;

  const ask = async (): Promise<string> => {
    const response = await within(hostClock, DEADLINE_MS, async (signal) => {
      const headers = { 'metadata-flavor': 'Google' };
      const got = await fetch(origin + PATH, { headers, signal, redirect: 'error' });
      return { status: got.status, text: await got.text() };
    }).catch((error: unknown) => {
      throw unavailable(error instanceof Error ? error.message : String(error));
    });
    if (response.status !== 200) throw unavailable(`HTTP ${response.status}`);
    const parsed = answer.safeParse(jsonOf(response.text));
    if (!parsed.success) throw unavailable('an answer without a token');
    kept = { token: parsed.data.access_token, untilMs: hostClock.now() + parsed.data.expires_in * 1_000 - MARGIN_MS };
    return kept.token;
  };
  return () => {
    if (kept !== null && hostClock.now() < kept.untilMs) return Promise.resolve(kept.token);
    asking ??= ask().finally(() => {
      asking = null;
    });
    return asking;
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
