/**
 * Reads of Cloud Storage by plain HTTP, for the hot path: no client library is loaded. An object is read in two steps, its
 * resource and then the bytes of exactly that generation, so version, metadata and bytes belong together; whoever polls and
 * finds nothing new has asked once.
 * JSON API v1, objects: get (https://cloud.google.com/storage/docs/json_api/v1/objects/get).
 */
import crc32c from 'crc-32/crc32c.js';
import { OBJECTS_READ_DEADLINE_MS } from '#shared/defaults.ts';
import { RejectedError, TransientError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import type { StoredObject } from '#shared/ports/objects.ts';
import { pause, within } from '../../client/waits.ts';
import { FIELDS, isGeneration, type Resource, resource, versionOf } from './resource.ts';

export interface ReaderOptions {
  /** Origin of the JSON API. */
  readonly endpoint: string;
  readonly bucket: string;
  /** Null: asked without credentials. */
  readonly token: (() => Promise<string>) | null;
  readonly hostClock: HostClock;
}

export interface GcsReader {
  /** Null: there is no such object. @throws TransientError objects_unavailable */
  find(name: string): Promise<Resource | null>;
  /** @throws RejectedError object_damaged @throws TransientError objects_unavailable */
  read(name: string, unlessGeneration: string | null): Promise<StoredObject | 'unchanged' | null>;
}

/** Of one request, its deadline over all of them; the pauses between grow from a tenth of a second. */
const TRIES = 4;
const FIRST_PAUSE_MS = 100;
/** A read meets a replaced object at most this often in a row; a write takes longer than a read. */
const READ_TRIES = 20;
/** Downloads of the same generation that do not fit it before it is called damaged: the first may have been broken on its way. */
const BAD_DOWNLOADS = 2;

export function createGcsReader({ endpoint, bucket, token, hostClock }: ReaderOptions): GcsReader {
  const urlOf = (name: string, query: Readonly<Record<string, string>>): string =>
    `${endpoint}/storage/v1/b/${encodeURIComponent(bucket)}/o/${encodeURIComponent(name)}?${new URLSearchParams(query)}`;

  const once = async (url: string, signal: AbortSignal): Promise<Answer> => {
    const headers = token === null ? {} : { authorization: `Bearer ${await token()}` };
    const response = await fetch(url, { headers, signal, redirect: 'error' });
    return { status: response.status, bytes: new Uint8Array(await response.arrayBuffer()) };
  };
  const insist = async (url: string, signal: AbortSignal): Promise<Answer> => {
    for (let attempt = 1; ; attempt += 1) {
      const answer = await once(url, signal).catch((error: unknown) => ({ status: null, why: whyOf(error) }));
      if (answer.status !== null && !isTransient(answer.status)) return answer;
      if (attempt === TRIES || signal.aborted) {
        const why = answer.status === null ? answer.why : `HTTP ${answer.status}`;
        throw new TransientError('objects_unavailable', `Cloud Storage: ${why}, ${attempt} times`);
      }
      await pause(hostClock, FIRST_PAUSE_MS * 2 ** (attempt - 1));
    }
  };
  const ask = (url: string): Promise<Answer> =>
    within(hostClock, OBJECTS_READ_DEADLINE_MS, (signal) => insist(url, signal));

  const resourceOf = async (name: string, unlessGeneration: string | null): Promise<Resource | 'unchanged' | null> => {
    const unless =
      unlessGeneration !== null && isGeneration(unlessGeneration) ? { ifGenerationNotMatch: unlessGeneration } : {};
    const { status, bytes } = await ask(urlOf(name, { fields: FIELDS, ...unless }));
    if (status === 404) return null;
    if (status === 304) return 'unchanged';
    if (status !== 200) throw refused(name, status);
    const parsed = resource.safeParse(jsonOf(bytes));
    if (!parsed.success)
      throw new TransientError(
        'objects_unavailable',
        `Cloud Storage: what it says of ${name} is not an object resource`,
      );
    return parsed.data;
  };

  return {
    async find(name) {
      const found = await resourceOf(name, null);
      return found === 'unchanged' ? null : found;
    },
    async read(name, unlessGeneration) {
      let [badGeneration, badTimes] = ['', 0];
      for (let attempt = 1; attempt <= READ_TRIES; attempt += 1) {
        const found = await resourceOf(name, unlessGeneration);
        if (found === null || found === 'unchanged') return found;
        const { generation } = found;
        const { status, bytes } = await ask(urlOf(name, { alt: 'media', generation }));
        if (status !== 200 && status !== 404) throw refused(name, status);
        const fault = status === 404 ? 'its content is missing' : faultOf(found, bytes);
        if (fault === null) return { ...versionOf(found), bytes };
        badTimes = generation === badGeneration ? badTimes + 1 : 1;
        badGeneration = generation;
        if (badTimes === BAD_DOWNLOADS) throw damaged(found, fault);
      }
      throw new TransientError(
        'objects_unavailable',
        `object ${JSON.stringify(name)}: replaced ${READ_TRIES} times while read`,
      );
    },
  };
}

interface Answer {
  readonly status: number;
  readonly bytes: Uint8Array;
}

const isTransient = (status: number): boolean => status === 408 || status === 429 || status >= 500;

/** As the resource has it: four bytes, the highest first, in base64. */
export function crc32cOf(bytes: Uint8Array): string {
  const sum = Buffer.alloc(4);
  sum.writeInt32BE(crc32c.buf(bytes));
  return sum.toString('base64');
}

function faultOf({ size, crc32c: expected }: Resource, bytes: Uint8Array): string | null {
  if (bytes.byteLength !== size) return `expected ${size} bytes, its download has ${bytes.byteLength}`;
  const actual = crc32cOf(bytes);
  return actual === expected ? null : `expected crc32c ${expected}, its download has ${actual}`;
}

const damaged = ({ name, generation }: Resource, what: string): RejectedError =>
  new RejectedError('object_damaged', `object ${JSON.stringify(name)} generation ${generation}: ${what}`, {
    cause: new Error(what),
    details: { name, generation },
  });

/** Waiting may heal it, once somebody grants what is missing; the answer's own words may hold a token, so they stay out. */
const refused = (name: string, status: number): TransientError =>
  new TransientError(
    'objects_unavailable',
    `Cloud Storage: HTTP ${status} for ${name}${status === 401 || status === 403 ? '; the service account needs roles/storage.objectViewer on the bucket' : ''}`,
  );

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return null;
  }
}

/** fetch says "fetch failed"; the reason is in its cause. */
function whyOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
