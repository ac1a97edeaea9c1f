/**
 * route: the final decision.
 * In: `POST /route`, a request. Out: `provisioning` and the chosen offer; a routing-decision and a deployment-requested
 * event. Promise: acknowledged means that the intent is in `state` and both events are published; idempotent by
 * (tenant_id, request_id); never fails because scoring did: then the rules decide, under the same control object: kill switch
 * and incidents hold here as well.
 */
import { randomUUID } from 'node:crypto';
import type { Platform } from '#shared/platform.ts';
import { createBreaker } from '#shared/runtime/breaker.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import { SUBSCRIPTIONS } from '#shared/topology.ts';
import { createRoute } from './handler.ts';
import { createScoreClient } from './score-client.ts';

const DEPLOY = SUBSCRIPTIONS.find((subscription) => subscription.function === 'deploy')?.name;

export async function compose(
  platform: Platform,
  options: { readonly newRequestId: () => string } = { newRequestId: randomUUID },
): Promise<FunctionApp> {
  const { config, hostClock } = platform;
  const bus = await platform.bus();
  return createRoute({
    ...platform,
    bus,
    waiting: async () => (DEPLOY === undefined ? 0 : ((await platform.backlog(DEPLOY)) ?? 0)),
    objects: await platform.objects(),
    state: await platform.state(),
    salt: await platform.salt(),
    stage: config.stage,
    newRequestId: options.newRequestId,
    scores: createScoreClient({
      url: config.scoreUrl,
      hostClock,
      breaker: createBreaker({ name: 'score' }),
      identity: platform.identity,
    }),
  });
}
