import { createHash, createHmac } from 'node:crypto';

/** Deterministic ids: a retry or a replay gives the same id, so it dedupes. 128 bits of SHA-256 in hex. */
function digest(kind: string, parts: readonly (string | number)[]): string {
  // JSON keeps the parts apart: ["a","bc"] and ["ab","c"] differ.
  return createHash('sha256')
    .update(JSON.stringify([kind, ...parts]))
    .digest('hex')
    .slice(0, 32);
}

export const decisionId = (tenantId: string, requestId: string): string => digest('decision', [tenantId, requestId]);

export const eventId = (type: string, key: string, attempt = 0, sequence = 0): string =>
  digest('event', [type, key, attempt, sequence]);

export const sha256Hex = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex');

/** A uniform draw in [0, 1) that a tenant cannot choose: the first 53 bits of HMAC-SHA256(salt, decision id). */
export function uniformDraw(salt: string, id: string): number {
  const mac = createHmac('sha256', salt).update(id).digest();
  return (mac.readUInt32BE(0) * 2 ** 21 + (mac.readUInt32BE(4) >>> 11)) / 2 ** 53;
}

/** A uniform draw in [0, 1): which decisions belong to a share. Of another salt than the sampling's, so that neither tells of the other. */
export const shareDraw = (id: string): number => fraction(digest('share', [id]));

/** The same of a tenant, all of whose decisions belong or do not; of a salt of its own again. */
export const tenantShareDraw = (tenantId: string): number => fraction(digest('share-tenant', [tenantId]));

/** In [0, 1), by the first 32 bits. */
const fraction = (hex: string): number => Number.parseInt(hex.slice(0, 8), 16) / 2 ** 32;
