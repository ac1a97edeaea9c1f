/**
 * score: what each eligible offer is worth to this request.
 * In: `POST /agent/route`, a request. Out: recommendations with expected utility and its spread, predicted parts, rule score and
 * the probability with which whoever acts takes each. Promise: pure (it writes nothing), answers from memory, never waits for a
 * store; who acts follows from control object, aliases and instant alone; a network serves only after its hashes and its golden
 * vector have been checked, a version acts only with its posterior; where who should act cannot, the rules do and the answer
 * says why; `GET /ready` and the answers name who really acts.
 */
import { setImmediate } from 'node:timers/promises';
import type { Platform } from '#shared/platform.ts';
import { createRegistryReader } from '#shared/registry/registry.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import { createScore } from './handler.ts';

export async function compose(platform: Platform): Promise<FunctionApp> {
  const objects = await platform.objects();
  return createScore({
    ...platform,
    objects,
    registry: createRegistryReader(objects),
    stage: platform.config.stage,
    pause: () => setImmediate(),
  });
}
