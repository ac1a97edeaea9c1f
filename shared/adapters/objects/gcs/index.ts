import { LIST_LIMIT_DEFAULT, OBJECTS_WRITE_DEADLINE_MS } from '#shared/defaults.ts';
import { TransientError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import type { Objects } from '#shared/ports/objects.ts';
import { within } from '../../client/waits.ts';
import { objectsLife } from '../life.ts';
import { checkName, checkPrefix } from '../name.ts';
import { createGcsReader } from './reader.ts';
import { createGcsWriter, isDenied } from './writer.ts';

export interface GcsOptions {
  readonly bucket: string;
  /** Origin of the JSON API; null: Google's own. Another is asked without credentials. */
  readonly endpoint: string | null;
  /** Access token of the ambient identity, for the reader. */
  readonly token: () => Promise<string>;
  readonly newMark: () => string;
  readonly hostClock: HostClock;
}

const GOOGLE = 'https://storage.googleapis.com';

function sayWhatIsMissing(error: unknown): never {
  if (!isDenied(error)) throw error;
  const message = `${error.message}; the service account needs roles/storage.objectUser on the bucket`;
  throw new TransientError('objects_unavailable', `Cloud Storage: ${message}`, { cause: error });
}

/**
 * Objects in a bucket of Cloud Storage. Reads and lists are plain HTTP, so that whoever writes nothing loads no client library. A name is
 * the object's own; of the metadata two keys are ours and not told (resource.ts).
 */
export function createGcsObjects({ bucket, endpoint, token, newMark, hostClock }: GcsOptions): Objects {
  const reader = createGcsReader({
    endpoint: endpoint ?? GOOGLE,
    bucket,
    token: endpoint === null ? token : null,
    hostClock,
  });
  const writer = createGcsWriter({ endpoint, bucket, reader, newMark });
  const life = objectsLife();
  /** The client library's own deadlines are those of one request. */
  const during = <T>(doing: string, operation: () => Promise<T>): Promise<T> =>
    life.during(doing, () => within(hostClock, OBJECTS_WRITE_DEADLINE_MS, operation).catch(sayWhatIsMissing));

  return {
    async read(name) {
      checkName(name);
      const found = await life.during(`read ${name}`, () => reader.read(name, null));
      return found === 'unchanged' ? null : found;
    },
    async readUnless(name, unlessGeneration) {
      checkName(name);
      return await life.during(`read ${name}`, () => reader.read(name, unlessGeneration));
    },
    async write(name, bytes, precondition, metadata = {}) {
      checkName(name);
      // The caller's buffer may be reused before it has been sent; sum and body must be of the same bytes.
      const content = new Uint8Array(bytes);
      return await during(`write ${name}`, () => writer.write(name, content, precondition, { ...metadata }));
    },
    async writeMetadata(name, metadata, precondition) {
      checkName(name);
      return await during(`write metadata of ${name}`, () => writer.writeMetadata(name, { ...metadata }, precondition));
    },
    async list(prefix, page = {}) {
      checkPrefix(prefix);
      checkPrefix(page.after ?? '');
      const { after = '', limit = LIST_LIMIT_DEFAULT } = page;
      return await life.during(`list ${prefix}`, () => reader.list(prefix, after, limit));
    },
    async remove(name, precondition) {
      checkName(name);
      return await during(`remove ${name}`, () => writer.remove(name, precondition));
    },
    async close() {
      await life.end();
    },
  };
}
