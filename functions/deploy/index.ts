/**
 * deploy: from a decision to a running instance.
 * In: deployment-requested events, one at a time per provider (ordering key). Out: an instance at the provider, a record
 * that watch follows; when the offer is gone, its failed outcome and a request for the next offer.
 * Promise: one decision never has two living instances, whatever is delivered twice or killed in between.
 */
import type { Platform } from '#shared/platform.ts';
import type { Provider } from '#shared/providers/provider.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import { createDeploy } from './handler.ts';

export async function compose(platform: Platform, providers: readonly Provider[]): Promise<FunctionApp> {
  return createDeploy({ ...platform, providers, bus: await platform.bus(), state: await platform.state() });
}
