import { createRoute } from '#functions/route/handler.ts';
import type { ScoreOutcome } from '#functions/route/score-client.ts';
import type { Offer } from '#shared/domain/offer.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import {
  type DeployerReport,
  deployerKey,
  PROVIDERS_OBJECT,
  type ProviderReport,
  type ProvidersSnapshot,
} from '#shared/domain/provider-report.ts';
import type { RouteRequest } from '#shared/domain/request.ts';
import type { Tenant } from '#shared/domain/tenant.ts';
import type { Provider } from '#shared/providers/provider.ts';
import { createBreaker } from '#shared/runtime/breaker.ts';
import { createIdentify } from '#shared/runtime/identify.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import { OFFERS_OBJECT } from '#shared/serving/offers.ts';
import { fakeClock } from './clock.ts';
import { type Faults, faults } from './faults.ts';
import { memoryBus } from './memory-bus.ts';
import { memoryObjects } from './memory-objects.ts';
import { memoryState } from './memory-state.ts';
import { anOffer } from './offers.ts';
import { testDeps } from './runtime.ts';

export const NOW = Date.UTC(2026, 0, 1, 9);
export const SALT = { id: 'salt-1', secret: 'a secret of the test' } as const;

/** Five offers that fit `aRouteRequest`, of which the rules like the first best. */
export const FIVE_OFFERS: readonly Offer[] = [0.3, 0.35, 0.4, 0.42, 0.45].map((price, i) =>
  anOffer({
    provider: i % 2 === 0 ? 'vast' : 'akash',
    offer_id: `${i % 2 === 0 ? 'vast' : 'akash'}:${i}`,
    usd_per_gpu_hour: price,
    observed_at: rfc3339(NOW),
  }),
);

/** What collect says of a provider that is well. */
export const aReport = (provider: string, changes: Partial<ProviderReport> = {}): ProviderReport => ({
  provider,
  health: 'up',
  error: null,
  since: rfc3339(NOW),
  offers_at: rfc3339(NOW),
  answered_ms: 40,
  offers: 3,
  capacity_gpu_hours: 150,
  latency_ms: 100,
  reputation: 90,
  usd_per_gpu_hour: { rtx4090: { min: 0.3, median: 0.4, offers: 3 } },
  capabilities: { interruptible: true, bids: false, regions: null, create_spacing_ms: 0 },
  ...changes,
});

export const aRouteRequest = (changes: Partial<RouteRequest> = {}): RouteRequest => ({
  request_id: 'r1',
  workload_type: 'llm_inference',
  gpu_type: 'RTX 4090',
  region: 'us-west',
  gpu_hours: 8,
  gpu_count: 2,
  ...changes,
});

/** route with its stores in memory. Several instances over the same stores are `app()` called several times. */
export function routeHouse() {
  const clock = fakeClock(NOW);
  const state = memoryState(clock);
  const bus = memoryBus();
  const objects = memoryObjects();
  const deaths: Faults = faults();
  const apps: FunctionApp[] = [];
  let generated = 0;
  const house = {
    clock,
    state,
    bus,
    objects,
    deaths,
    deps: testDeps(clock),
    /** What score answers next; a function to look at the request. */
    scores: { answer: null, reason: 'upstream_unavailable' } as ScoreOutcome,
    scored: [] as RouteRequest[],
    breaker: createBreaker({ name: 'score' }),
    /** Who may ask; null: nobody is asked who he is. */
    tenants: null as readonly Tenant[] | null,
    providers: [] as readonly Provider[],
    /** Deployments that deploy has not taken yet. */
    waiting: 0 as number | null,
    async offer(offers: readonly Offer[], observedAtMs = clock.now()): Promise<string> {
      const bytes = new TextEncoder().encode(JSON.stringify({ observed_at: rfc3339(observedAtMs), offers }));
      return (await objects.write(OFFERS_OBJECT, bytes, {})).generation;
    },
    /** What collect says of the providers. */
    async report(providers: readonly ProviderReport[], observedAtMs = clock.now()): Promise<void> {
      const snapshot: ProvidersSnapshot = { observed_at: rfc3339(observedAtMs), providers: [...providers] };
      await objects.write(PROVIDERS_OBJECT, new TextEncoder().encode(JSON.stringify(snapshot)), {});
    },
    /** What deploy says of one. */
    async deployer(report: Partial<DeployerReport> & Pick<DeployerReport, 'provider'>): Promise<void> {
      const whole: DeployerReport = {
        at: rfc3339(clock.now()),
        waited_ms: 0,
        breaker: 'closed',
        refusing: null,
        ...report,
      };
      const { entry, created } = await state.create(deployerKey(report.provider), whole);
      if (!created) await state.swap(entry.key, entry.version, whole);
    },
    async app(): Promise<FunctionApp> {
      const app = createRoute({
        ...house.deps,
        worldClock: clock,
        objects,
        bus: deaths.wrap(bus),
        state: deaths.wrap(state),
        salt: SALT,
        stage: 'auto',
        waiting: async () => house.waiting,
        newRequestId: () => `generated-${++generated}`,
        identify: house.tenants === null ? null : createIdentify({ tenants: house.tenants, accountOf: null }),
        providers: async () => house.providers,
        scores: {
          breaker: house.breaker,
          async score(request) {
            house.scored.push(request);
            return house.scores;
          },
          close: async () => undefined,
        },
      });
      await app.start();
      apps.push(app);
      return app;
    },
    /** Ends every instance, its writes behind the answer included. */
    async close(): Promise<void> {
      await Promise.all(apps.splice(0).map((app) => app.drain()));
    },
  };
  return house;
}
