/**
 * route: the final decision, and what becomes of it.
 * In: `POST /route`, a request of a tenant. Out: `provisioning` and the chosen offer; a routing-decision and a deployment-requested
 * event. Promise: acknowledged means that the intent is in `state` and both events are published; idempotent by
 * (tenant_id, request_id); never fails because scoring did: then the rules decide, under the same control object: kill switch
 * and incidents hold here as well. A tenant's limits hold over all instances.
 * Beside it: `GET /deployments`, `GET | DELETE /deployments/:id`, `GET /deployments/:id/logs`, `GET /providers`, `GET /providers/:id`.
 */
import { randomUUID } from 'node:crypto';
import type { Platform } from '#shared/platform.ts';
import type { Provider } from '#shared/providers/provider.ts';
import { createBreaker } from '#shared/runtime/breaker.ts';
import { createIdentify, type Identify } from '#shared/runtime/identify.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import { SUBSCRIPTIONS } from '#shared/topology.ts';
import { createRoute } from './handler.ts';
import { createScoreClient } from './score-client.ts';

const DEPLOY = SUBSCRIPTIONS.find((subscription) => subscription.function === 'deploy')?.name;

export interface RouteOptions {
  readonly newRequestId?: () => string;
  /**
   * Adapters for logs and for ending what is given up, asked for once, when the first of them is needed; default: those that this
   * process has keys of. Whoever made them closes them.
   */
  readonly providers?: () => Promise<readonly Provider[]>;
}

export async function compose(
  platform: Platform,
  { newRequestId = randomUUID, providers = async () => withKeysHere(platform) }: RouteOptions = {},
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
    newRequestId,
    identify: await identifyWith(platform),
    providers: once(providers),
    scores: createScoreClient({
      url: config.scoreUrl,
      hostClock,
      breaker: createBreaker({ name: 'score' }),
      identity: platform.identity,
    }),
  });
}

/** Loaded when the first log is asked for: a cold start does without. They end with the process. */
async function withKeysHere(platform: Platform): Promise<readonly Provider[]> {
  const { configuredProviders } = await import('#shared/providers/configured.ts');
  return configuredProviders(platform, { accounts: platform.config.providers, random: Math.random });
}

/** Null: nobody is asked who he is. */
async function identifyWith({ config, hostClock }: Platform): Promise<Identify | null> {
  const { tenants, google } = config;
  if (tenants === null) return null;
  const callers = google?.callers ?? null;
  if (callers === null) return createIdentify({ tenants, accountOf: null });
  const { createAccountOf, remoteKeys } = await import('#shared/runtime/callers.ts');
  const { audience, keysUrl } = callers;
  return createIdentify({ tenants, accountOf: createAccountOf({ audience, keys: remoteKeys(keysUrl), hostClock }) });
}

/** One that failed is tried again. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | null = null;
  return () => {
    made ??= make().catch((error: unknown) => {
      made = null;
      throw error;
    });
    return made;
  };
}
