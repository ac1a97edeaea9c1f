/** The cloud as fakes that speak its REST interfaces, and the environment of whoever works on it; Pub/Sub is an emulator's, or nobody's. */
import { hostClock } from '#shared/adapters/clock/host.ts';
import { parseConfig } from '#shared/config.ts';
import type { Platform } from '#shared/platform.ts';
import { createPlatform } from '#shared/platform-choice.ts';
import { startBigqueryFake } from './bigquery/server.ts';
import { cloudEnvironment } from './cloud-environment.ts';
import { startGcsFake } from './gcs/server.ts';
import { memoryLog } from './runtime.ts';

export interface Cloud {
  readonly environment: Readonly<Record<string, string>>;
  close(): Promise<void>;
}

/** @param pubsub `host:port` */
export async function startCloud(pubsub = '127.0.0.1:1'): Promise<Cloud> {
  const [storage, bigquery] = await Promise.all([startGcsFake(), startBigqueryFake()]);
  return {
    environment: cloudEnvironment({ storage: storage.endpoint, bigquery: bigquery.endpoint, pubsub }),
    async close() {
      await Promise.all([storage.close(), bigquery.close()]);
    },
  };
}

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
