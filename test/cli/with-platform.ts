import { hostClock } from '#shared/adapters/clock/host.ts';
import { parseConfig } from '#shared/config.ts';
import { createEmbeddedPlatform, type LocalPlatform } from '#shared/platform-embedded.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import { memoryLog } from '#test/support/runtime.ts';

/** The platform of a directory on which no stack runs; closed after its use. */
export async function withPlatform<T>(
  directory: string,
  use: (platform: LocalPlatform) => Promise<T>,
  clock: HostClock = hostClock,
): Promise<T> {
  const platform = await createEmbeddedPlatform({
    config: parseConfig({ AURORA_DIR: directory }),
    hostClock: clock,
    log: memoryLog(),
    random: () => 0.5,
    keepsWorldTime: false,
  });
  try {
    return await use(platform);
  } finally {
    await platform.close();
  }
}
