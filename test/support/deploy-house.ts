import { createDeploy } from '#functions/deploy/handler.ts';
import { type DeploymentRecord, deploymentKey, deploymentRecord } from '#shared/domain/deployment.ts';
import { type DeploymentOption, type DeploymentRequest, deploymentRequested } from '#shared/domain/events/catalogue.ts';
import type { Settlement } from '#shared/domain/settlement.ts';
import { fakeClock } from './clock.ts';
import { EVENT_SAMPLES } from './events.ts';
import { faults } from './faults.ts';
import { memoryBus } from './memory-bus.ts';
import { type MemoryProvider, memoryProvider } from './memory-provider.ts';
import { memoryState } from './memory-state.ts';
import { deliver } from './push.ts';
import { testDeps } from './runtime.ts';

const option = (offer_id: string): DeploymentOption => ({
  provider: offer_id.split(':')[0] ?? '',
  offer_id,
  advertised_usd_per_gpu_hour: 0.4,
  advertised_latency_ms: 100,
  features: null,
});

/** First choice, then the fallbacks, as `provider:native`. */
export const requestOf = (first: string, ...fallbacks: string[]): DeploymentRequest => ({
  ...EVENT_SAMPLES['deployment-requested'],
  propensity: 0.9,
  option: option(first),
  fallbacks: fallbacks.map(option),
});

export function deployHouse() {
  const clock = fakeClock();
  const state = memoryState(clock);
  const bus = memoryBus();
  const deaths = faults();
  const providers = { vast: memoryProvider('vast'), akash: memoryProvider('akash') };
  const deps = testDeps(clock);
  const settlements: Settlement[] = [];
  const app = () =>
    createDeploy({
      ...deps,
      worldClock: clock,
      providers: Object.values(providers).map((provider) => deaths.wrap(provider)),
      bus: deaths.wrap(bus),
      state: deaths.wrap(state),
      settled: async (settlement) => void settlements.push(settlement),
    });
  return {
    clock,
    state,
    bus,
    deaths,
    providers,
    deps,
    settlements,
    app,
    record: async (): Promise<DeploymentRecord> =>
      deploymentRecord.parse((await state.get(deploymentKey('d1')))?.value),
    live: async () => (await state.list('live/')).map(({ key }) => key),
    /** Instances alive, over all providers. */
    living: () => Object.values(providers).flatMap(alive),
  };
}

export const alive = ({ made, terminated }: MemoryProvider): string[] =>
  [...made.values()].flat().filter((instance) => !terminated.includes(instance));

export type DeployHouse = ReturnType<typeof deployHouse>;

/**
 * Delivers the request and whatever deploy asks for next, as the bus does: until all is acknowledged.
 * @param pauseMs between two deliveries of what was refused
 */
export async function drive(
  house: Pick<DeployHouse, 'app' | 'deaths' | 'clock' | 'bus'>,
  request: DeploymentRequest,
  { deliveries = 40, pauseMs = 1_234 } = {},
): Promise<void> {
  const waiting = [request];
  const seen = new Set([deploymentRequested.eventId(request)]);
  let app = house.app();
  for (let i = 0; waiting.length > 0; i++) {
    if (i > deliveries) throw new Error('it never ends');
    const next = waiting[0] as DeploymentRequest;
    const status = await deliver(app, deploymentRequested, next);
    // 500: the process is gone; a silent provider is a 503.
    if (status === 500 && house.deaths.revive()) app = house.app();
    if (status !== 204) {
      // It comes again later; what it publishes must not depend on when.
      await house.clock.advance(pauseMs);
      continue;
    }
    waiting.shift();
    for (const published of house.bus.payloads('deployment-requested')) {
      const id = deploymentRequested.eventId(published);
      if (!seen.has(id)) waiting.push(published);
      seen.add(id);
    }
  }
}
