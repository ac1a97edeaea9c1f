/**
 * probe: looks whether what users need works, before they miss it.
 * In: a tick of the cron (`POST /run`, which publishes a probe-requested event), and that event. Out: a probe-result event of each
 * check, alert-changed events and calls of the webhook when something begins to fail for good or is well again.
 * Promise: a request older than one period of its suite is dropped, a second one of a period changes nothing; what was found out is on
 * record before anybody is told, and whoever is killed in between tells it at the next run, under the same key.
 */
import type { Platform } from '#shared/platform.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import { configuredProbes } from './configured.ts';
import { createProbe } from './handler.ts';
import type { Probes } from './probes.ts';

/** @param given default: what the configuration says. @throws RejectedError config_invalid, file_unreadable, suite_invalid */
export async function compose(platform: Platform, given?: Probes): Promise<FunctionApp> {
  const probes = given ?? (await configuredProbes(platform));
  return createProbe({ ...platform, ...probes, bus: await platform.bus(), objects: await platform.objects() });
}
