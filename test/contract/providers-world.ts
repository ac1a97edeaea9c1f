/** A small world for one provider: a market whose offers do as they are told, clocks, the fake, and adapters on it. */
import { hostClock } from '#shared/adapters/clock/host.ts';
import { AuroraError } from '#shared/errors.ts';
import type { HostClock, WorldClock } from '#shared/ports/clock.ts';
import type { AdapterOptions } from '#shared/providers/adapter.ts';
import { createPace, memoryTurns } from '#shared/providers/pace.ts';
import type { CallContext, DeploySpec, InstanceStatus, Provider } from '#shared/providers/provider.ts';
import { createMetrics, type Metrics } from '#shared/telemetry/metrics.ts';
import { createMarket, type Market } from '#sim/market/market.ts';
import { type MarketStore, memoryStore } from '#sim/market/store.ts';
import type { Bill, FakeProvider } from '#sim/providers/kit/fake-server.ts';
import { smallOffer, smallSpec } from '#test/sim/small-market.ts';

/** What a provider's suite must know of it. */
export interface ProviderSubject {
  readonly id: string;
  readonly key: string;
  /** Id of an offer as it could be, of nothing that is sold. */
  readonly unsold: string;
  /** Operations of its fake, by what of the port they serve; `create` is the one that makes an instance. */
  readonly operations: Readonly<
    Record<'offers' | 'create' | 'find' | 'instances' | 'status' | 'terminate', readonly string[]>
  >;
  /** World milliseconds between two calls, by operation of the fake. */
  readonly spacingMs: Readonly<Record<string, number>>;
  /** A fault of its fake: a refusal that no repetition mends. */
  readonly refusal: string;
  /** What a workload that came to its end is called here. */
  readonly done: 'exited' | 'completed';
  /** Whether it says when an instance was ready; default true. */
  readonly tellsReady?: boolean;
  startFake(world: FakeWorld): Promise<FakeProvider>;
  connect(options: AdapterOptions): Provider;
}

export interface FakeWorld {
  readonly market: Market;
  readonly key: string;
  readonly hostClock: HostClock;
  readonly worldClock: WorldClock;
  readonly seed: number;
  readonly slowMs: number;
}

export interface HouseOptions {
  /** World milliseconds a host millisecond. */
  readonly speed?: number;
  readonly store?: MarketStore;
  readonly tenantFaultShare?: number;
  readonly networkBlameShare?: number;
}

export interface House {
  readonly fake: FakeProvider;
  readonly market: Market;
  readonly metrics: Metrics;
  readonly worldClock: WorldClock;
  /** Moves the world on. */
  skip(worldMs: number): void;
  /** An adapter with an empty memory; those of one house share turns. Closed with the house. */
  connect(overrides?: Partial<AdapterOptions>): Provider;
  close(): Promise<void>;
}

/** Of the calls of a test, host milliseconds: as short as real sockets allow on a busy machine. */
export const PATIENCE_MS = 3_000;
/** Of one attempt. */
const ATTEMPT_MS = 400;
/** Later than an attempt waits: done, and its answer lost. */
const SLOW_MS = 600;
const FLEET = '0123abcd';
const SPEED = 400;
/** World milliseconds by which a busy machine may hold up the first of two calls: to the millisecond their distance is shown on a clock of its own (pace.ts). */
export const HELD_UP_MS = 6 * SPEED;

/** GPU type -> how it goes there. Four GPUs, 100 GPU-hours free. */
export const WAYS = {
  /** Ready in 30 s, runs as long as it was asked to. */
  runs: 'rtx4090',
  /** Never gets ready. */
  fails: 'rtx3090',
  /** Is taken away within minutes. */
  taken: 'a100',
  /** Is gone when one wants it. */
  gone: 'h100',
} as const;

const offersOf = (provider: string) => {
  const smooth = { start: 1, hazard_per_hour: 0, ready_ms: 30_000, price_sigma: 0, ready_sigma: 0, latency_sigma: 0 };
  const offered = (gpu_type: string, truth: Readonly<Record<string, number>>) =>
    smallOffer({ provider, gpu_type, gpu_count: 4, latency_ms: 40 }, { ...smooth, ...truth });
  return [
    offered(WAYS.runs, {}),
    offered(WAYS.fails, { start: 0 }),
    offered(WAYS.taken, { hazard_per_hour: 100 }),
    offered(WAYS.gone, { gone: 1 }),
  ];
};

/** A clock that runs `speed` times as fast as the host's, and is moved on by hand. */
function movableClock(speed: number): WorldClock & { skip(ms: number): void } {
  const started = hostClock.now();
  let skipped = 0;
  return {
    speed,
    now: () => Date.UTC(2026, 0, 1) + (hostClock.now() - started) * speed + skipped,
    skip: (ms) => {
      skipped += ms;
    },
  };
}

export async function makeHouse(subject: ProviderSubject, options: HouseOptions = {}): Promise<House> {
  const worldClock = movableClock(options.speed ?? SPEED);
  const spec = smallSpec(offersOf(subject.id), {
    tenant_fault_share: options.tenantFaultShare ?? 0,
    network_blame_share: options.networkBlameShare ?? 0,
  });
  const market = createMarket({ spec, seed: 7, deviation: 1, store: options.store ?? memoryStore() });
  const fake = await subject.startFake({ market, key: subject.key, hostClock, worldClock, seed: 11, slowMs: SLOW_MS });
  const metrics = createMetrics();
  const pace = createPace(subject.id, memoryTurns(), { hostClock, worldClock });
  const connected: Provider[] = [];
  return {
    fake,
    market,
    metrics,
    worldClock,
    skip: worldClock.skip,
    connect(overrides = {}) {
      const provider = subject.connect({
        baseUrl: fake.url,
        key: subject.key,
        fleet: FLEET,
        hostClock,
        worldClock,
        random: () => 0.01,
        metrics,
        pace,
        attemptMs: ATTEMPT_MS,
        ...overrides,
      });
      connected.push(provider);
      return provider;
    },
    async close() {
      await Promise.all(connected.map((provider) => provider.close()));
      await fake.close();
    },
  };
}

export const soon = (patienceMs = PATIENCE_MS): CallContext => ({ deadline: hostClock.now() + patienceMs });

export const specOf = (gpu_type: string, more: Partial<DeploySpec> = {}): DeploySpec => ({
  gpu_type,
  region: 'us-east',
  gpu_count: 1,
  gpu_hours: 2,
  workload_type: 'render',
  max_usd_per_gpu_hour: null,
  image: 'registry.example/renderer:1.0',
  port: 8080,
  ...more,
});

/** Deploys on the smallest offer of the GPU type. */
export async function deployOn(
  provider: Provider,
  gpuType: string,
  requestId: string,
  more: Partial<DeploySpec> = {},
  context = soon(),
): Promise<string> {
  const offer = await offerOf(provider, gpuType);
  const made = await provider.deploy(offer, specOf(gpuType, more), { ...context, requestId });
  return made.instance_id;
}

export async function offerOf(provider: Provider, gpuType: string) {
  const offers = await provider.offers({ gpu_type: gpuType }, soon());
  const [smallest] = [...offers].sort((a, b) => a.gpu_count - b.gpu_count);
  if (smallest === undefined) throw new Error(`expected an offer of ${gpuType}, got none`);
  return smallest;
}

/** The status once it is as wanted; the world is moved on by a minute between two looks. */
export async function statusWhen(
  house: House,
  provider: Provider,
  instanceId: string,
  wanted: (status: InstanceStatus) => boolean,
): Promise<InstanceStatus> {
  let last: InstanceStatus | null = null;
  for (let look = 0; look < 300; look += 1) {
    last = await provider.status(instanceId, soon());
    if (last !== null && wanted(last)) return last;
    house.skip(60_000);
  }
  throw new Error(`expected another status of ${instanceId}, got ${JSON.stringify(last)}`);
}

export async function errorOf(operation: Promise<unknown>): Promise<AuroraError> {
  const outcome = await operation.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ('error' in outcome && outcome.error instanceof AuroraError) return outcome.error;
  throw new Error(
    `expected a coded error, got ${'error' in outcome ? String(outcome.error) : JSON.stringify(outcome.value)}`,
    {
      cause: outcome,
    },
  );
}

/** Bills of a request, whether they still run or not. */
export const billsOf = (fake: FakeProvider, requestId: string): readonly Bill[] =>
  fake.bills().filter(({ label }) => label.endsWith(requestId));

/** Those that cost money from now on. */
export const running = (bills: readonly Bill[]): readonly Bill[] => bills.filter(({ ended_ms }) => ended_ms === null);
