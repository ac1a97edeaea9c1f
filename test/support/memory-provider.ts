import type { Offer } from '#shared/domain/offer.ts';
import { RejectedError, TransientError } from '#shared/errors.ts';
import { type InstanceStatus, type Provider, UNSAID } from '#shared/providers/provider.ts';

/** A provider in memory: idempotent by label, as the contract says, with the levers a test needs. */
export interface MemoryProvider extends Provider {
  /** Label -> instances made under it, terminated ones included. The promise is at most one that lives. */
  readonly made: ReadonlyMap<string, readonly string[]>;
  readonly terminated: readonly string[];
  /** Offers that answer offer_gone. */
  readonly gone: Set<string>;
  /** Every call answers this error while set; `failures`: only those of that name. */
  failure: Error | null;
  readonly failures: Map<'offers' | 'deploy' | 'find' | 'instances' | 'status' | 'terminate', Error>;
  listed: readonly Offer[];
  /** What status answers by instance, and instances shows; null = knows no such instance, absent = as it was made. */
  readonly statuses: Map<string, InstanceStatus | null>;
  /** Living ones that instances does not show: its list lags. */
  readonly unlisted: Set<string>;
  /** Instances whose status was asked for, in order. */
  readonly asked: readonly string[];
  readonly closed: number;
  /** Awaited by deploy before its effect. */
  beforeDeploy: (() => Promise<void>) | null;
}

export function memoryProvider(id: string): MemoryProvider {
  const made = new Map<string, string[]>();
  const terminated: string[] = [];
  const asked: string[] = [];
  let instances = 0;
  let closed = 0;
  const enter = async (call: Parameters<MemoryProvider['failures']['get']>[0]): Promise<void> => {
    await turn();
    const failure = provider.failure ?? provider.failures.get(call);
    if (failure != null) throw failure;
  };
  /** As it was made, unless a test says otherwise. */
  const statusOf = (instanceId: string): InstanceStatus | null => {
    const told = provider.statuses.get(instanceId);
    if (told !== undefined) return told;
    const label = [...made].find(([, ones]) => ones.includes(instanceId))?.[0];
    return label === undefined || terminated.includes(instanceId) ? null : aStatus(instanceId, label);
  };
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const provider: MemoryProvider = {
    id,
    capabilities: { interruptible: true, bids: false, regions: null, create_spacing_ms: 0 },
    made,
    terminated,
    gone: new Set(),
    failure: null,
    failures: new Map(),
    asked,
    unlisted: new Set(),
    get closed() {
      return closed;
    },
    listed: [],
    statuses: new Map(),
    beforeDeploy: null,
    async offers() {
      await enter('offers');
      return provider.listed;
    },
    async deploy({ offer_id: offerId }, _spec, { requestId: label }) {
      const gone = provider.gone.has(offerId);
      await provider.beforeDeploy?.();
      await enter('deploy');
      const known = made.get(label)?.find((instance) => !terminated.includes(instance));
      if (known !== undefined) return { instance_id: known };
      if (gone) throw new RejectedError('offer_gone', `${offerId} is gone`);
      instances += 1;
      const instance = `${id}-instance-${instances}`;
      made.set(label, [...(made.get(label) ?? []), instance]);
      return { instance_id: instance };
    },
    async find(label) {
      await enter('find');
      return made.get(label)?.find((instance) => !terminated.includes(instance)) ?? null;
    },
    async instances() {
      await enter('instances');
      const ids = new Set([...provider.statuses.keys(), ...[...made.values()].flat()]);
      return [...ids]
        .filter((id) => !provider.unlisted.has(id))
        .map(statusOf)
        .filter((status) => status !== null);
    },
    async logs(instanceId) {
      throw new RejectedError('logs_unavailable', `${instanceId} writes none`);
    },
    async health() {
      if (provider.failure !== null) throw provider.failure;
      return { answered_ms: 1 };
    },
    async close() {
      closed += 1;
    },
    async status(instanceId) {
      asked.push(instanceId);
      await enter('status');
      return statusOf(instanceId);
    },
    async terminate(instanceId) {
      await enter('terminate');
      terminated.push(instanceId);
    },
  };
  return provider;
}

/** Of an instance that is being prepared, of which nothing else is known. */
export const aStatus = (
  instance_id: string,
  request_id: string | null,
  changes: Partial<InstanceStatus> = {},
): InstanceStatus => ({
  instance_id,
  request_id,
  state: 'provisioning',
  blame: null,
  ...UNSAID,
  ...changes,
});

export const unavailable = (): Error => new TransientError('provider_unavailable', 'the provider is away');
