/**
 * A marketplace for deploy, watch and collect while there is no adapter of a real one: it sells what the simulated market
 * advertises, and of the runs one ends every so often, when somebody looks. How it ends is a function of its label alone.
 */
import { rfc3339 } from '#shared/domain/primitives.ts';
import { RejectedError } from '#shared/errors.ts';
import type { Clock } from '#shared/ports/clock.ts';
import type { Capabilities, DeploySpec, InstanceState, InstanceStatus, Provider } from '#shared/providers/provider.ts';
import { createMarket } from '#sim/market/market.ts';
import { pick, uniforms } from '#sim/market/random.ts';
import type { MarketSpec } from '#sim/market/spec.ts';

export interface QuickMarket {
  /** From now on what runs stays as it is. */
  freeze(): void;
  readonly providers: readonly Provider[];
  /** Label -> how its run ended. */
  fates(): ReadonlyMap<string, InstanceState>;
  /** Labels under which more than one instance was made. */
  readonly twice: readonly string[];
}

/** What becomes of a hundred runs; the last ten are the tenant's own fault, before they begin: they teach nothing. */
const FATES: readonly (readonly [Pick<InstanceStatus, 'state' | 'blame'>, number])[] = [
  [{ state: 'completed', blame: null }, 60],
  [{ state: 'failed_to_start', blame: 'provider' }, 15],
  [{ state: 'preempted', blame: 'provider' }, 15],
  [{ state: 'failed', blame: 'tenant' }, 10],
];

const CAPABILITIES: Capabilities = { interruptible: true, bids: false, regions: null, create_spacing_ms: 0 };

interface Instance extends DeploySpec {
  readonly label: string;
  readonly id: string;
  readonly createdMs: number;
}

export function createQuickMarket(options: {
  readonly spec: MarketSpec;
  readonly seed: number;
  readonly clock: Clock;
  /** One run ends in so many milliseconds, the others stay in preparation. */
  readonly runEndsEveryMs: number;
}): QuickMarket {
  const { spec, seed, clock, runEndsEveryMs } = options;
  const shop = createMarket({ spec, seed, deviation: 0, startMs: clock.now() });
  const byLabel = new Map<string, Instance>();
  const byId = new Map<string, Instance>();
  /** By label. */
  const ended = new Map<string, InstanceStatus>();
  const twice: string[] = [];
  let nextEndMs = clock.now();

  const make = (provider: string, label: string, asked: DeploySpec): Instance => {
    if (byLabel.has(label)) twice.push(label);
    const instance = { ...asked, label, id: `${provider}-${byId.size}`, createdMs: clock.now() };
    byLabel.set(label, instance);
    byId.set(instance.id, instance);
    return instance;
  };
  const statusOf = (instance: Instance): InstanceStatus => {
    const known = ended.get(instance.label);
    if (known !== undefined) return known;
    if (clock.now() < nextEndMs) return preparing(instance);
    nextEndMs = clock.now() + runEndsEveryMs;
    const status = endOf(instance, seed, clock.now());
    ended.set(instance.label, status);
    return status;
  };

  return {
    fates: () => new Map([...ended].map(([label, { state }]) => [label, state])),
    twice,
    freeze() {
      nextEndMs = Number.POSITIVE_INFINITY;
    },
    providers: shop.providers.map((id): Provider => {
      const mine = (label: string): Instance | null => {
        const found = byLabel.get(label);
        return found?.id.startsWith(`${id}-`) ? found : null;
      };
      return {
        id,
        capabilities: CAPABILITIES,
        offers: async () => shop.offers(clock.now()).filter(({ provider }) => provider === id),
        deploy: async (_offer, asked, { requestId }) => ({
          instance_id: (mine(requestId) ?? make(id, requestId, asked)).id,
        }),
        find: async (label) => mine(label)?.id ?? null,
        instances: async () =>
          [...byId.values()].filter((one) => one.id.startsWith(`${id}-`) && !ended.has(one.label)).map(statusOf),
        async status(instanceId) {
          const instance = byId.get(instanceId);
          return instance === undefined ? null : statusOf(instance);
        },
        async terminate(instanceId) {
          const instance = byId.get(instanceId);
          if (instance === undefined || ended.has(instance.label)) return;
          ended.set(instance.label, { ...preparing(instance), state: 'cancelled', ended_at: rfc3339(clock.now()) });
        },
        async logs(instanceId) {
          throw new RejectedError('logs_unavailable', `${instanceId}: nothing here writes logs`);
        },
        health: async () => ({ answered_ms: 0 }),
        async close() {
          // Nothing is open.
        },
      };
    }),
  };
}

function preparing({ id, label, createdMs, gpu_count }: Instance): InstanceStatus {
  return {
    instance_id: id,
    request_id: label,
    address: null,
    gpu_count,
    usd_per_hour: null,
    storage_usd_per_hour: null,
    state: 'provisioning',
    blame: null,
    created_at: rfc3339(createdMs),
    ready_at: null,
    ended_at: null,
    latency_ms: null,
    exposure_hours: 0,
    useful_gpu_hours: 0,
    billed_gpu_hours: 0,
    cost_usd: 0,
  };
}

/** Its hours are those that were bought, though nobody waited for them. */
function endOf(instance: Instance, seed: number, nowMs: number): InstanceStatus {
  const { label, createdMs, gpu_hours, gpu_count } = instance;
  const draw = uniforms(seed, 'fate', label);
  const { state, blame } = pick(FATES, draw());
  const never = state === 'failed_to_start' || state === 'failed';
  const share = never ? 0 : state === 'completed' ? 1 : draw();
  return {
    ...preparing(instance),
    state,
    blame,
    ready_at: never ? null : rfc3339(createdMs),
    ended_at: rfc3339(nowMs),
    latency_ms: never ? null : 50 + 100 * draw(),
    exposure_hours: (share * gpu_hours) / gpu_count,
    useful_gpu_hours: state === 'completed' ? gpu_hours : 0,
    billed_gpu_hours: share * gpu_hours,
    cost_usd: share * gpu_hours * (0.2 + draw()),
  };
}
