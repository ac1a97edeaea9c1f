/**
 * score: what each eligible offer is worth to this request.
 * In: `POST /agent/route`, a request. Out: recommendations with expected utility, predicted parts, rule score and the
 * probability with which the policy takes each. Promise: pure (it writes nothing), answers from memory, never waits for a
 * store; a new model serves only after its hashes and its golden vector have been checked, and in the place of one that fails
 * them the version before it; `GET /ready` and the answers name what really serves.
 */
import type { Platform } from '#shared/platform.ts';
import { createRegistryReader } from '#shared/registry/registry.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import { createScore } from './handler.ts';

export async function compose(platform: Platform): Promise<FunctionApp> {
  const objects = await platform.objects();
  return createScore({ ...platform, objects, registry: createRegistryReader(objects) });
}
