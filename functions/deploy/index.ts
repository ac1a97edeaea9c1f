/**
 * deploy: from a decision to a running instance.
 * In: deployment-requested events, one at a time per provider (ordering key). Out: an instance at the provider, a record
 * that watch follows; when the offer is gone, or its provider silent for too long, its failed outcome and a request for the
 * next offer. Promise: one decision never has two living instances, whatever is delivered twice or killed in between; only
 * what a silent provider made unheard may live on until it speaks again, when watch ends it. Every request ends: live, or with
 * its failed outcome published.
 */
import type { Platform } from '#shared/platform.ts';
import { requiredProviders } from '#shared/providers/configured.ts';
import type { Provider } from '#shared/providers/provider.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import { createBudgets } from '#shared/serving/budgets/index.ts';
import { createDeploy } from './handler.ts';

export async function compose(platform: Platform, given?: readonly Provider[]): Promise<FunctionApp> {
  const providers = given ?? (await requiredProviders(platform, Math.random));
  const state = await platform.state();
  const budgets = createBudgets({ ...platform, state });
  return createDeploy({ ...platform, providers, bus: await platform.bus(), state, settled: budgets.settle });
}
