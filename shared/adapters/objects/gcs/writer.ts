/**
 * Writes to Cloud Storage, through the official client, which is loaded with the first of them. Every write is safe to try
 * again: it carries a mark of its own, and one that fails on a precondition looks whether what is there is its own success.
 */
import type { ApiError, Bucket, File } from '@google-cloud/storage';
import { OBJECTS_WRITE_DEADLINE_MS } from '#shared/defaults.ts';
import { RejectedError } from '#shared/errors.ts';
import type { ObjectVersion, Precondition } from '#shared/ports/objects.ts';
import { checkPrecondition } from '../precondition.ts';
import { crc32cOf, type GcsReader } from './reader.ts';
import { CONTENT_MARK, conditionsOf, METADATA_MARK, type Resource, resource, versionOf } from './resource.ts';

export interface WriterOptions {
  /** Null: Google's own, with the ambient identity. Another is asked without credentials. */
  readonly endpoint: string | null;
  readonly bucket: string;
  readonly reader: Pick<GcsReader, 'find'>;
  /** Never twice the same. */
  readonly newMark: () => string;
}

export interface GcsWriter {
  write(
    name: string,
    bytes: Uint8Array,
    precondition: Precondition,
    metadata: Readonly<Record<string, string>>,
  ): Promise<ObjectVersion>;
  writeMetadata(
    name: string,
    metadata: Readonly<Record<string, string>>,
    precondition: Precondition,
  ): Promise<ObjectVersion>;
  remove(name: string, precondition: Precondition): Promise<boolean>;
}

/** Metadata writes of others that one of ours gives way to. */
const METADATA_TRIES = 10;

export function createGcsWriter({ endpoint, bucket: bucketName, reader, newMark }: WriterOptions): GcsWriter {
  let opening: Promise<Bucket> | undefined;
  const bucket = (): Promise<Bucket> => {
    opening ??= open(endpoint, bucketName);
    return opening;
  };
  const fileOf = async (name: string): Promise<File> => (await bucket()).file(name);

  return {
    async write(name, bytes, precondition, metadata) {
      const mark = newMark();
      const file = await fileOf(name);
      try {
        await file.save(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), {
          resumable: false,
          // The server holds the bytes against the sum, and refuses them; the client would delete what it finds different.
          validation: false,
          preconditionOpts: conditionsOf(precondition),
          timeout: OBJECTS_WRITE_DEADLINE_MS,
          metadata: {
            contentType: 'application/octet-stream',
            cacheControl: 'no-store',
            crc32c: crc32cOf(bytes),
            ...(metadata['expires_at'] === undefined ? {} : { customTime: metadata['expires_at'] }),
            metadata: { ...metadata, [CONTENT_MARK]: mark },
          },
        });
      } catch (error) {
        if (!isConditionFailed(error)) throw error;
        const live = await reader.find(name);
        if (live?.metadata[CONTENT_MARK] === mark) return versionOf(live);
        throw conditionFailed(name, live, precondition, error);
      }
      return versionOf(resource.parse(file.metadata));
    },
    async writeMetadata(name, metadata, precondition) {
      const mark = newMark();
      for (let attempt = 1; ; attempt += 1) {
        const live = await reader.find(name);
        checkPrecondition(name, live, precondition);
        if (live === null) throw new RejectedError('not_found', `object ${JSON.stringify(name)}: does not exist`);
        // A patch merges; what is to go has to be said. Exactly this version: so what was checked holds.
        const gone = Object.fromEntries(Object.keys(live.metadata).map((key) => [key, null]));
        const kept = CONTENT_MARK in live.metadata ? { [CONTENT_MARK]: live.metadata[CONTENT_MARK] } : {};
        const file = await fileOf(name);
        try {
          const [written] = await file.setMetadata(
            { metadata: { ...gone, ...metadata, ...kept, [METADATA_MARK]: mark } as Record<string, string> },
            { ifGenerationMatch: live.generation, ifMetagenerationMatch: live.metageneration },
          );
          return versionOf(resource.parse(written));
        } catch (error) {
          if (!isConditionFailed(error) && !isNotFound(error)) throw error;
          const now = await reader.find(name);
          if (now?.metadata[METADATA_MARK] === mark) return versionOf(now);
          if (attempt === METADATA_TRIES) throw error;
        }
      }
    },
    async remove(name, precondition) {
      try {
        await (await fileOf(name)).delete(conditionsOf(precondition));
        return true;
      } catch (error) {
        if (!isConditionFailed(error) && !isNotFound(error)) throw error;
        const live = isNotFound(error) ? null : await reader.find(name);
        // Nothing there, and nothing that was asked for speaks against that.
        if (live === null) checkPrecondition(name, null, precondition);
        else throw conditionFailed(name, live, precondition, error);
        return false;
      }
    },
  };
}

async function open(endpoint: string | null, bucket: string): Promise<Bucket> {
  const { IdempotencyStrategy, Storage } = await import('@google-cloud/storage');
  const storage = new Storage({
    ...(endpoint === null ? {} : { apiEndpoint: endpoint }),
    // Marks make every write safe to repeat; by the client's own rule one without a precondition would end all retries.
    retryOptions: {
      idempotencyStrategy: IdempotencyStrategy.RetryAlways,
      totalTimeout: OBJECTS_WRITE_DEADLINE_MS / 1_000,
    },
  });
  return storage.bucket(bucket);
}

const statusOf = (error: unknown): number | null =>
  error instanceof Error && 'code' in error ? Number((error as ApiError).code) : null;
/** A match that failed is 412, a "not" match 304. */
const isConditionFailed = (error: unknown): boolean => statusOf(error) === 412 || statusOf(error) === 304;
const isNotFound = (error: unknown): boolean => statusOf(error) === 404;
export const isDenied = (error: unknown): error is Error => statusOf(error) === 401 || statusOf(error) === 403;

/** The condition that does not hold; when it holds again by now, for somebody wrote meanwhile, that it did not. */
function conditionFailed(name: string, live: Resource | null, precondition: Precondition, cause: unknown): Error {
  checkPrecondition(name, live, precondition);
  return new RejectedError(
    'object_precondition_failed',
    `object ${JSON.stringify(name)}: changed while it was written`,
    {
      cause,
      details: { name, generation: live?.generation ?? '0' },
    },
  );
}
