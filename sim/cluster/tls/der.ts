/** DER, as far as certificates and lists of revoked ones need it (ITU-T X.690). */

const node = (tag: number, ...parts: readonly Uint8Array[]): Buffer => {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content]);
};

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const bytes = Buffer.from(length.toString(16).padStart(length > 0xffff ? 6 : length > 0xff ? 4 : 2, '0'), 'hex');
  return Buffer.concat([Buffer.from([0x80 | bytes.length]), bytes]);
}

export const sequence = (...parts: readonly Uint8Array[]): Buffer => node(0x30, ...parts);
export const set = (...parts: readonly Uint8Array[]): Buffer => node(0x31, ...parts);
/** `[n]` around what is already encoded. */
export const explicit = (n: number, ...parts: readonly Uint8Array[]): Buffer => node(0xa0 | n, ...parts);
/** `[n]` in place of the tag of a primitive. */
export const implicit = (n: number, content: Uint8Array): Buffer => node(0x80 | n, content);
export const octets = (content: Uint8Array): Buffer => node(0x04, content);
export const bits = (content: Uint8Array, unused = 0): Buffer => node(0x03, Buffer.from([unused]), content);
export const yes = (): Buffer => node(0x01, Buffer.from([0xff]));
export const utf8 = (text: string): Buffer => node(0x0c, Buffer.from(text, 'utf8'));
export const enumerated = (value: number): Buffer => node(0x0a, Buffer.from([value]));

/** Of bytes that are a number without a sign. */
export function integer(value: number | Uint8Array): Buffer {
  const bytes = typeof value === 'number' ? Buffer.from([value]) : Buffer.from(value);
  const first = bytes.findIndex((byte) => byte !== 0);
  const short = first === -1 ? Buffer.from([0]) : bytes.subarray(first);
  return node(0x02, ...((short[0] ?? 0) >= 0x80 ? [Buffer.from([0])] : []), short);
}

export function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number);
  return node(0x06, Buffer.from([40 * first + second, ...rest.flatMap(base128)]));
}

/** Seven bits a byte, all but the last with the eighth set. */
function base128(value: number): number[] {
  const low = [value & 0x7f];
  for (let left = Math.floor(value / 128); left > 0; left = Math.floor(left / 128)) low.unshift((left & 0x7f) | 0x80);
  return low;
}

/** UTCTime until 2049, GeneralizedTime from then on, as RFC 5280 wants it. Whole seconds. */
export function time(epochMs: number): Buffer {
  const text = `${new Date(epochMs).toISOString().slice(0, 19).replaceAll(/[-:T]/g, '')}Z`;
  return text < '2050' ? node(0x17, Buffer.from(text.slice(2), 'latin1')) : node(0x18, Buffer.from(text, 'latin1'));
}

export function pem(label: string, der: Uint8Array): string {
  const lines =
    Buffer.from(der)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
