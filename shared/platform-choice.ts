import type { Platform, PlatformOptions } from './platform.ts';

/** Of a function that runs alone: what AURORA_PLATFORM says. @throws RejectedError store_corrupt */
export async function createPlatform(options: PlatformOptions): Promise<Platform> {
  const { google } = options.config;
  if (google !== null) return (await import('./platform-gcp.ts')).createGcpPlatform({ ...options, google });
  const { createEmbeddedPlatform } = await import('./platform-embedded.ts');
  return createEmbeddedPlatform({ ...options, keepsWorldTime: false });
}
