/**
 * collect: what the providers offer now, and how they stand.
 * In: a tick of the cron (`POST /run`). Out: `offers/current.json` and `providers/current.json` by compare-and-swap,
 * provider-offers events for what changed. Promise: a provider that fails keeps its last offers with their age; never an empty list
 * by accident. The providers that are handed in are closed at the drain.
 */
import type { Platform } from '#shared/platform.ts';
import { requiredProviders } from '#shared/providers/configured.ts';
import type { Provider } from '#shared/providers/provider.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import { createCollect } from './handler.ts';

export async function compose(platform: Platform, given?: readonly Provider[]): Promise<FunctionApp> {
  const providers = given ?? (await requiredProviders(platform, Math.random));
  return createCollect({ ...platform, providers, bus: await platform.bus(), objects: await platform.objects() });
}
