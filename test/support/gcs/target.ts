/**
 * What the suites of Cloud Storage run against: our fake, or what AURORA_TEST_GCS_ENDPOINT names, an emulator or Google's own
 * (https://storage.googleapis.com, by the ambient identity, in AURORA_TEST_PROJECT). There each store is a bucket of its own, made
 * and removed here.
 */
import { randomUUID } from 'node:crypto';
import { type Bucket, Storage } from '@google-cloud/storage';
import { GoogleAuth } from 'google-auth-library';
import type { GcsOptions } from '#shared/adapters/objects/gcs/index.ts';
import { type GivenEndpoint, givenEndpoint } from '../given-endpoint.ts';
import { BUCKET, startGcsFake } from './server.ts';

type Where = Pick<GcsOptions, 'bucket' | 'endpoint' | 'token'>;

export interface StorageTarget {
  /** For the title of a suite. */
  readonly name: string;
  /** Whether what is stored can be changed behind the store's back. */
  readonly damageable: boolean;
  /** An empty bucket. */
  store(): Promise<{
    readonly where: Where;
    readonly damage?: (name: string, change: (bytes: Uint8Array) => Uint8Array | null) => void;
    dispose(): Promise<void>;
  }>;
  /** Removes the buckets. */
  close(): Promise<void>;
}

const noToken = (): Promise<string> => Promise.reject(new Error('expected no credentials'));

const fakeTarget: StorageTarget = {
  name: 'Cloud Storage, by the fake',
  damageable: true,
  async store() {
    const fake = await startGcsFake();
    return {
      where: { bucket: BUCKET, endpoint: fake.endpoint, token: noToken },
      damage: (name, change) => fake.bucket.damage(name, change),
      dispose: () => fake.close(),
    };
  },
  close: async () => undefined,
};

/** Buckets are emptied and used again: Google makes one every two seconds. */
export function bucketsAt({ title, endpoint, projectId, location }: GivenEndpoint): StorageTarget {
  const storage = new Storage({ projectId, ...(endpoint === null ? {} : { apiEndpoint: endpoint }) });
  const auth = new GoogleAuth({ scopes: 'https://www.googleapis.com/auth/devstorage.read_write' });
  const token = endpoint === null ? async () => (await auth.getAccessToken()) ?? '' : noToken;
  const made: Bucket[] = [];
  const free: Bucket[] = [];
  const make = async (): Promise<Bucket> => {
    const [bucket] = await storage.createBucket(`aurora-test-${randomUUID()}`, { location });
    made.push(bucket);
    return bucket;
  };
  const empty = async (bucket: Bucket): Promise<void> => {
    const [files] = await bucket.getFiles();
    await Promise.all(files.map((file) => file.delete({ ignoreNotFound: true })));
  };
  return {
    name: `Cloud Storage at ${title}`,
    damageable: false,
    async store() {
      const bucket = free.pop() ?? (await make());
      return {
        where: { bucket: bucket.name, endpoint, token },
        async dispose() {
          await empty(bucket);
          free.push(bucket);
        },
      };
    },
    async close() {
      for (const bucket of made) {
        await empty(bucket);
        await bucket.delete();
      }
    },
  };
}

export function storageTarget(suite: string): StorageTarget {
  const given = givenEndpoint(suite, 'AURORA_TEST_GCS_ENDPOINT');
  return given === null ? fakeTarget : bucketsAt(given);
}
