/**
 * Signatures of the Dispersed API. Source: its documentation (https://otoyinc.mintlify.app, "Authenticate Requests"), with which
 * independent clients agree: HMAC-SHA256 of `key|time|nonce|METHOD|path|query|sha256(body)`, each part in one spelling only.
 */
import { createHash, createHmac } from 'node:crypto';
import { RejectedError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import type { OutgoingCall } from '../client.ts';

export interface KeyPair {
  readonly publicKey: string;
  readonly secretKey: string;
}

export interface SignerOptions extends KeyPair {
  /**
   * The server compares with the time of day, within 5 minutes. World time is none: it stands still while the stack is down, and may
   * run fast.
   */
  readonly hostClock: Pick<HostClock, 'now'>;
  /** Sixteen bytes that have not come before: a nonce is good for one call in 24 hours. */
  readonly nonceBytes: () => Uint8Array;
}

/** Of `public:secret`. @throws RejectedError config_invalid, without telling it */
export function keyPairOf(key: string): KeyPair {
  const [publicKey = '', secretKey = '', ...rest] = key.split(':');
  if (publicKey === '' || secretKey === '' || rest.length > 0)
    throw new RejectedError('config_invalid', 'key of render: expected the public and the secret key, "pk_…:sk_…"');
  return { publicKey, secretKey };
}

/** The headers of a call; each attempt asks anew. */
export function renderSigner({ publicKey, secretKey, hostClock, nonceBytes }: SignerOptions) {
  return ({ method, path, query, body }: OutgoingCall): Readonly<Record<string, string>> => {
    const time = String(Math.floor(hostClock.now()));
    const nonce = Buffer.from(nonceBytes()).toString('hex');
    const digest = createHash('sha256').update(body).digest('hex');
    const text = [publicKey, time, nonce, method.toUpperCase(), path, canonicalQuery(query), digest].join('|');
    return {
      'x-api-key': publicKey,
      'x-time': time,
      'x-nonce': nonce,
      'x-signature': createHmac('sha256', secretKey).update(text).digest('hex'),
    };
  };
}

/** Sorted by key, escaped as RFC 3986 has it. */
export const canonicalQuery = (query: Readonly<Record<string, string>>): string =>
  Object.entries(query)
    .sort(byKey)
    .map(([key, value]) => `${escaped(key)}=${escaped(value)}`)
    .join('&');

/** Compact, keys sorted at every depth, ASCII only: what is sent is what is signed. */
export const canonicalJson = (value: unknown): string =>
  written(value).replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

function written(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(written).join(',')}]`;
  // Written one by one: an object with its keys put in order would still give numbers among them first.
  if (typeof value === 'object' && value !== null)
    return `{${Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .sort(byKey)
      .map(([key, field]) => `${JSON.stringify(key)}:${written(field)}`)
      .join(',')}}`;
  return JSON.stringify(value) ?? 'null';
}

const byKey = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number =>
  a < b ? -1 : a > b ? 1 : 0;

/** encodeURIComponent leaves five characters that RFC 3986 reserves. */
const escaped = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
