/**
 * watch: what became of the deployments.
 * In: a tick of the cron (`POST /run`). Out: routing-outcome events, an interim `ready` and one final per attempt; the end of
 * what a provider made without saying so, after its decision had gone elsewhere.
 * Promise: an outcome is published before its deployment is forgotten; its id and content depend on the provider's facts
 * alone, so a repetition changes nothing.
 */
import type { Platform } from '#shared/platform.ts';
import { requiredProviders } from '#shared/providers/configured.ts';
import type { Provider } from '#shared/providers/provider.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import { createWatch } from './handler.ts';

export async function compose(platform: Platform, lent?: readonly Provider[]): Promise<FunctionApp> {
  const providers = lent ?? (await requiredProviders(platform, Math.random));
  return createWatch({ ...platform, providers, bus: await platform.bus(), state: await platform.state() });
}
