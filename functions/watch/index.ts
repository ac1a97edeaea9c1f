/**
 * watch: what became of the deployments.
 * In: a tick of the cron (`POST /run`). Out: routing-outcome events, an interim `ready` and one final per attempt; the end of all
 * billing of what is over, and of what runs under our label and nobody follows; `deployments/summary.json`.
 * Promise: an outcome is durable before it is published, and published before its deployment is forgotten; a repetition has the
 * same id and words. What still may be billed is kept in mind until its provider has answered. The providers that are handed in
 * are closed at the drain.
 */
import { WATCH_ROUND_MS } from '#shared/defaults.ts';
import type { Platform } from '#shared/platform.ts';
import { requiredProviders } from '#shared/providers/configured.ts';
import { createLatencyProbe } from '#shared/providers/latency-probe.ts';
import type { Provider } from '#shared/providers/provider.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import { createBudgets } from '#shared/serving/budgets/index.ts';
import { createWatch } from './handler.ts';

export interface WatchOptions {
  /** Deployments may answer on this machine: where fakes of the providers run. */
  readonly loopback?: boolean;
}

export async function compose(
  platform: Platform,
  given?: readonly Provider[],
  { loopback = false }: WatchOptions = {},
): Promise<FunctionApp> {
  const providers = given ?? (await requiredProviders(platform, Math.random));
  const { hostClock, metrics, config } = platform;
  const state = await platform.state();
  const budgets = createBudgets({ ...platform, state });
  return createWatch({
    ...platform,
    providers,
    bus: await platform.bus(),
    state,
    objects: await platform.objects(),
    probe: createLatencyProbe({ loopback, hostClock, stopwatchMs: metrics.stopwatchMs }),
    settled: budgets.settle,
    // An instance of the cloud stands still between two requests; on one machine the next run should not wait.
    ...(config.google === null ? {} : { patienceMs: WATCH_ROUND_MS }),
  });
}
