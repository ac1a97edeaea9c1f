/**
 * collect: what the providers offer now.
 * In: a tick of the cron (`POST /run`). Out: `offers/current.json` by compare-and-swap, provider-offers events for what
 * changed. Promise: a provider that fails keeps its last offers with their age; never an empty list by accident.
 */
import type { Platform } from '#shared/platform.ts';
import { requiredProviders } from '#shared/providers/configured.ts';
import type { Provider } from '#shared/providers/provider.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import { createCollect } from './handler.ts';

export async function compose(platform: Platform, lent?: readonly Provider[]): Promise<FunctionApp> {
  const providers = lent ?? (await requiredProviders(platform, Math.random));
  return createCollect({ ...platform, providers, bus: await platform.bus(), objects: await platform.objects() });
}
