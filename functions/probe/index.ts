/**
 * probe: looks whether what users need works, before they miss it.
 * In: a tick of the cron (`POST /run`, which publishes a probe-requested event), and that event. Out: a probe-result event of each
 * check, alert-changed events and calls of the webhook when something begins to fail for good or is well again.
 * Promise: a request older than one period of its suite is dropped, a second one of a period changes nothing; what was found out is on
 * record before anybody is told, and whoever is killed in between tells it at the next run, under the same key.
 */
import type { Platform } from '#shared/platform.ts';
import type { Suite } from '#shared/probes/suite.ts';
import type { ProbeTools } from '#shared/probes/tools.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import { createProbe } from './handler.ts';
import type { Webhook } from './webhook.ts';

export interface ProbeOptions {
  readonly suites: readonly Suite[];
  /** For one run each: what a run has read, the next one reads anew. */
  readonly tools: () => ProbeTools;
  /** Null: nobody is called; alerts are on record and in the metrics. */
  readonly webhook: Webhook | null;
}

export async function compose(platform: Platform, options: ProbeOptions): Promise<FunctionApp> {
  return createProbe({
    ...platform,
    ...options,
    bus: await platform.bus(),
    objects: await platform.objects(),
  });
}
