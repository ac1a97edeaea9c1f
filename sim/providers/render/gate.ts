import { createHash, createHmac } from 'node:crypto';
import type { HostClock } from '#shared/ports/clock.ts';
import type { FakeRequest, Reply } from '../kit/api.ts';
import { REUSED, refusal, SKEWED, UNSIGNED } from './faults.ts';

/** The time of day, whatever the time of the world: signatures are checked against it. */
const SKEW_MS = 5 * 60_000;
const NONCE_MS = 24 * 3_600_000;
/** Remembered at most; the oldest go. */
const MAX_NONCES = 200_000;

/** Whether a call is signed as it must be; the answer if not. Written from the scheme, not from the adapter. */
export function createGate(key: string, hostClock: Pick<HostClock, 'now'>): (request: FakeRequest) => Reply | null {
  const [publicKey = '', secretKey = ''] = key.split(':');
  /** Nonce -> when it came, oldest first. */
  const nonces = new Map<string, number>();

  function isUsed(nonce: string): boolean {
    const now = hostClock.now();
    for (const [old, at] of nonces) {
      if (at >= now - NONCE_MS && nonces.size < MAX_NONCES) break;
      nonces.delete(old);
    }
    if (nonces.has(nonce)) return true;
    nonces.set(nonce, now);
    return false;
  }

  return ({ method, path, query, headers, text, body }) => {
    const of = (name: string): string => String(headers[name] ?? '');
    const [time, nonce] = [of('x-time'), of('x-nonce')];
    if (of('x-api-key') !== publicKey) return refusal(401, 'INVALID_API_KEY', 'No such API key');
    if (!/^\d{13}$/.test(time) || Math.abs(hostClock.now() - Number(time)) > SKEW_MS) return SKEWED;
    if (!/^[0-9a-f]{32}$/.test(nonce)) return refusal(401, 'INVALID_NONCE', 'X-Nonce: 32 hexadecimal characters');
    // The server writes the body anew before it hashes it: one with its keys in another order has another hash.
    const canonicalBody = text === '' || body === undefined ? text : canonical(body);
    const signed = [
      publicKey,
      time,
      nonce,
      method,
      path,
      canonicalQuery(query),
      createHash('sha256').update(canonicalBody).digest('hex'),
    ].join('|');
    if (createHmac('sha256', secretKey).update(signed).digest('hex') !== of('x-signature')) return UNSIGNED;
    return isUsed(nonce) ? REUSED : null;
  };
}

const escapeText = (text: string): string =>
  JSON.stringify(text).replace(/[^\x20-\x7e]/g, (unit) => `\\u${`000${unit.charCodeAt(0).toString(16)}`.slice(-4)}`);

function canonical(value: unknown): string {
  if (typeof value === 'string') return escapeText(value);
  if (Array.isArray(value)) return `[${value.map(canonical)}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  const fields = Object.keys(value).sort();
  return `{${fields.map((name) => `${escapeText(name)}:${canonical((value as Record<string, unknown>)[name])}`)}}`;
}

function canonicalQuery(query: URLSearchParams): string {
  return [...query]
    .map(([key, value]) => [escapeUrl(key), escapeUrl(value)] as const)
    .sort(([a, x], [b, y]) => (a === b ? (x < y ? -1 : 1) : a < b ? -1 : 1))
    .map(([key, value]) => `${key}=${value}`)
    .join('&');
}

const escapeUrl = (text: string): string =>
  [...Buffer.from(text)]
    .map((byte) => {
      const char = String.fromCharCode(byte);
      return /[A-Za-z0-9_.~-]/.test(char) ? char : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
    })
    .join('');
