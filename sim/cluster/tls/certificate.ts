/** Certificates and lists of revoked ones (RFC 5280), with keys on P-256, signed by ECDSA with SHA-256. */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIPv4 } from 'node:net';
import {
  bits,
  enumerated,
  explicit,
  implicit,
  integer,
  octets,
  oid,
  pem,
  sequence,
  set,
  time,
  utf8,
  yes,
} from './der.ts';

export interface KeyPair {
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
}

export const newKeys = (): KeyPair => generateKeyPairSync('ec', { namedCurve: 'P-256' });

export interface Issued {
  readonly pem: string;
  readonly keys: KeyPair;
  readonly commonName: string;
  readonly serial: Uint8Array;
}

export interface Wish {
  readonly commonName: string;
  /** DNS names and IPv4 addresses; none: it is an authority. */
  readonly names: readonly string[];
  /** Host epoch milliseconds. */
  readonly fromMs: number;
  readonly untilMs: number;
  /** Null: it signs itself. */
  readonly issuer: Issued | null;
  /** Absent: new ones. */
  readonly keys?: KeyPair;
}

const ECDSA_SHA256 = sequence(oid('1.2.840.10045.4.3.2'));

const nameOf = (commonName: string): Buffer => sequence(set(sequence(oid('2.5.4.3'), utf8(commonName))));
const spki = (key: KeyObject): Buffer => key.export({ type: 'spki', format: 'der' });
/** Of the point of the key: its last 65 bytes. */
const keyId = (key: KeyObject): Buffer => createHash('sha1').update(spki(key).subarray(-65)).digest();
const extension = (id: string, value: Uint8Array, critical = false): Buffer =>
  sequence(oid(id), ...(critical ? [yes()] : []), octets(value));
const authorityKeyId = (key: KeyObject): Buffer => extension('2.5.29.35', sequence(implicit(0, keyId(key))));

const generalName = (name: string): Buffer =>
  isIPv4(name) ? implicit(7, Buffer.from(name.split('.').map(Number))) : implicit(2, Buffer.from(name, 'latin1'));

const signed = (content: Buffer, key: KeyObject): Buffer =>
  sequence(content, ECDSA_SHA256, bits(sign('sha256', content, key)));

/** Sixteen bytes, the first of them never 0 nor with its highest bit. */
function newSerial(): Uint8Array {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes;
}

export function issue({ commonName, names, fromMs, untilMs, issuer, keys = newKeys() }: Wish): Issued {
  const serial = newSerial();
  const isAuthority = names.length === 0;
  const signer = issuer?.keys ?? keys;
  // keyCertSign and cRLSign are bits 5 and 6, digitalSignature is bit 0.
  const usage = isAuthority ? bits(Buffer.from([0x06]), 1) : bits(Buffer.from([0x80]), 7);
  const extensions = [
    extension('2.5.29.19', isAuthority ? sequence(yes()) : sequence(), true),
    extension('2.5.29.15', usage, true),
    extension('2.5.29.14', octets(keyId(keys.publicKey))),
    authorityKeyId(signer.publicKey),
    ...(isAuthority
      ? []
      : [
          extension('2.5.29.37', sequence(oid('1.3.6.1.5.5.7.3.1'))),
          extension('2.5.29.17', sequence(...names.map(generalName))),
        ]),
  ];
  const content = sequence(
    explicit(0, integer(2)),
    integer(serial),
    ECDSA_SHA256,
    nameOf(issuer?.commonName ?? commonName),
    sequence(time(fromMs), time(untilMs)),
    nameOf(commonName),
    spki(keys.publicKey),
    explicit(3, sequence(...extensions)),
  );
  return { pem: pem('CERTIFICATE', signed(content, signer.privateKey)), keys, commonName, serial };
}

/** What `issuer` has revoked: since `fromMs`, for keyCompromise. */
export function revocationList(issuer: Issued, revoked: readonly Issued[], fromMs: number, untilMs: number): string {
  const reason = extension('2.5.29.21', enumerated(1));
  const entries = revoked.map(({ serial }) => sequence(integer(serial), time(fromMs), sequence(reason)));
  const content = sequence(
    integer(1),
    ECDSA_SHA256,
    nameOf(issuer.commonName),
    time(fromMs),
    time(untilMs),
    ...(entries.length === 0 ? [] : [sequence(...entries)]),
    explicit(0, sequence(authorityKeyId(issuer.keys.publicKey), extension('2.5.29.20', integer(1)))),
  );
  return pem('X509 CRL', signed(content, issuer.keys.privateKey));
}

export const keyPem = ({ privateKey }: KeyPair): string =>
  privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
