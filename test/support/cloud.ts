/** The cloud as fakes that speak its REST interfaces, and the environment of whoever works on it; Pub/Sub is an emulator's, or nobody's. */
import { hostClock } from '#shared/adapters/clock/host.ts';
import { parseConfig } from '#shared/config.ts';
import type { Platform } from '#shared/platform.ts';
import { createPlatform } from '#shared/platform-choice.ts';
import { type BigqueryFake, DATASET, PROJECT, startBigqueryFake } from './bigquery/server.ts';
import { BUCKET, type GcsFake, startGcsFake } from './gcs/server.ts';
import { memoryLog } from './runtime.ts';
import { tenantsVariable } from './tenants.ts';

export interface Cloud {
  readonly storage: GcsFake;
  readonly bigquery: BigqueryFake;
  readonly environment: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** Nobody listens there. */
const NO_PUBSUB = '127.0.0.1:1';

/** @param pubsub `host:port` */
export async function startCloud(pubsub = NO_PUBSUB): Promise<Cloud> {
  const [storage, bigquery] = await Promise.all([startGcsFake(), startBigqueryFake()]);
  return {
    storage,
    bigquery,
    environment: cloudEnvironment({ storage: storage.endpoint, bigquery: bigquery.endpoint, pubsub }),
    async close() {
      await Promise.all([storage.close(), bigquery.close()]);
    },
  };
}

export const cloudEnvironment = (endpoints: {
  readonly storage: string;
  readonly bigquery: string;
  readonly pubsub: string;
}): Readonly<Record<string, string>> => ({
  AURORA_PLATFORM: 'gcp',
  AURORA_PROJECT: PROJECT,
  AURORA_BUCKET: BUCKET,
  AURORA_DATASET: DATASET,
  AURORA_LOCATION: 'EU',
  AURORA_STORAGE_ENDPOINT: endpoints.storage,
  AURORA_BIGQUERY_ENDPOINT: endpoints.bigquery,
  AURORA_PUBSUB_ENDPOINT: endpoints.pubsub,
  AURORA_TENANTS: tenantsVariable('default'),
});

/** What somebody else does there. */
export async function inTheCloud<T>(cloud: Cloud, use: (platform: Platform) => Promise<T>): Promise<T> {
  const config = parseConfig(cloud.environment);
  const platform = await createPlatform({ config, hostClock, log: memoryLog(), random: Math.random });
  try {
    return await use(platform);
  } finally {
    await platform.close();
  }
}
