import type { Offer } from '#shared/domain/offer.ts';
import { RejectedError, TransientError } from '#shared/errors.ts';
import type { InstanceStatus, Provider } from '#shared/providers/provider.ts';

/** A provider in memory: idempotent by label, as the contract says, with the levers a test needs. */
export interface MemoryProvider extends Provider {
  /** Label -> instances made under it, terminated ones included. The promise is at most one that lives. */
  readonly made: ReadonlyMap<string, readonly string[]>;
  readonly terminated: readonly string[];
  /** Offers that answer offer_gone. */
  readonly gone: Set<string>;
  /** Every call answers this error while set. */
  failure: Error | null;
  listed: readonly Offer[];
  /** What status answers by instance; null or absent = knows no such instance. */
  readonly statuses: Map<string, InstanceStatus | null>;
  /** Awaited by deploy before its effect. */
  beforeDeploy: (() => Promise<void>) | null;
}

export function memoryProvider(id: string): MemoryProvider {
  const made = new Map<string, string[]>();
  const terminated: string[] = [];
  let instances = 0;
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const provider: MemoryProvider = {
    id,
    capabilities: { interruptible: true, bids: false, regions: null, create_spacing_ms: 0 },
    made,
    terminated,
    gone: new Set(),
    failure: null,
    listed: [],
    statuses: new Map(),
    beforeDeploy: null,
    async offers() {
      await turn();
      if (provider.failure !== null) throw provider.failure;
      return provider.listed;
    },
    async deploy({ offer_id: offerId }, _spec, { requestId: label }) {
      const gone = provider.gone.has(offerId);
      await provider.beforeDeploy?.();
      await turn();
      if (provider.failure !== null) throw provider.failure;
      const known = made.get(label)?.find((instance) => !terminated.includes(instance));
      if (known !== undefined) return { instance_id: known };
      if (gone) throw new RejectedError('offer_gone', `${offerId} is gone`);
      instances += 1;
      const instance = `${id}-instance-${instances}`;
      made.set(label, [...(made.get(label) ?? []), instance]);
      return { instance_id: instance };
    },
    async find(label) {
      await turn();
      if (provider.failure !== null) throw provider.failure;
      return made.get(label)?.find((instance) => !terminated.includes(instance)) ?? null;
    },
    async instances() {
      await turn();
      if (provider.failure !== null) throw provider.failure;
      return [...provider.statuses.values()].filter((status) => status !== null);
    },
    async logs(instanceId) {
      throw new RejectedError('logs_unavailable', `${instanceId} writes none`);
    },
    async health() {
      if (provider.failure !== null) throw provider.failure;
      return { answered_ms: 1 };
    },
    async close() {
      // Nothing is open.
    },
    async status(instanceId) {
      await turn();
      if (provider.failure !== null) throw provider.failure;
      return provider.statuses.get(instanceId) ?? null;
    },
    async terminate(instanceId) {
      await turn();
      terminated.push(instanceId);
    },
  };
  return provider;
}

export const unavailable = (): Error => new TransientError('provider_unavailable', 'the provider is away');
