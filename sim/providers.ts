import { RejectedError, TransientError } from '#shared/errors.ts';
import type { Clock, HostClock } from '#shared/ports/clock.ts';
import type { CallContext, Capabilities, Provider } from '#shared/providers/provider.ts';
import { endOf, type Instance } from './market/instance.ts';
import type { Market } from './market/market.ts';
import { uniforms } from './market/random.ts';

/** The market as it is: no bids, no call rate. */
const CAPABILITIES: Capabilities = { interruptible: true, bids: false, regions: null, create_spacing_ms: 0 };

/**
 * The market as its providers: one per provider name. `deploy` is idempotent by label: what this provider already runs
 * (or ran) under the label is the answer. With `unavailable_share` in the spec, some calls answer provider_unavailable;
 * the same call at another instant may work.
 */
export function simProviders(
  market: Market,
  clocks: { readonly worldClock: Clock; readonly hostClock: Pick<HostClock, 'now'> },
): readonly Provider[] {
  return market.providers.map((id): Provider => {
    const enter = (operation: string, key: string, context: CallContext): number => {
      if (context.signal?.aborted === true || clocks.hostClock.now() >= context.deadline)
        throw new TransientError('provider_unavailable', `${id} ${operation}: the call's deadline has passed`);
      const nowMs = clocks.worldClock.now();
      const share = market.spec.unavailable_share;
      if (share > 0 && uniforms(market.seed, 'unavailable', id, operation, key, nowMs)() < share)
        throw new TransientError('provider_unavailable', `${id} ${operation}: temporarily unavailable`);
      return nowMs;
    };
    const mine = (instanceId: string, nowMs: number) =>
      market.provider(instanceId) === id ? market.status(instanceId, nowMs) : null;
    const living = (instance: Instance, nowMs: number): boolean => instance.provider === id && nowMs < endOf(instance);
    return {
      id,
      capabilities: CAPABILITIES,
      async offers(_filter, context) {
        return market.offers(enter('offers', '', context)).filter((offer) => offer.provider === id);
      },
      async deploy({ offer_id: offerId }, { gpu_count, gpu_hours, workload_type }, context) {
        const { requestId: label } = context;
        const nowMs = enter('deploy', label, context);
        const known = market.find(label).find((instance) => instance.provider === id);
        if (known !== undefined) return { instance_id: known.instance_id };
        if (!offerId.startsWith(`${id}:`))
          throw new RejectedError('offer_gone', `offer ${offerId}: ${id} sells no such offer`);
        return market.deploy({ offerId, label, gpu_count, gpu_hours, workload_type, nowMs });
      },
      async find(requestId, context) {
        const nowMs = enter('find', requestId, context);
        return market.find(requestId).find((instance) => living(instance, nowMs))?.instance_id ?? null;
      },
      async instances(context) {
        const nowMs = enter('instances', '', context);
        return market.living(nowMs, id);
      },
      async status(instanceId, context) {
        return mine(instanceId, enter('status', instanceId, context));
      },
      async logs(instanceId) {
        throw new RejectedError(
          'logs_unavailable',
          `${id} instance ${instanceId}: the simulated market writes no logs`,
        );
      },
      async terminate(instanceId, context) {
        const nowMs = enter('terminate', instanceId, context);
        if (mine(instanceId, nowMs) !== null) market.terminate(instanceId, nowMs);
      },
      async health(context) {
        enter('health', '', context);
        return { answered_ms: 0 };
      },
      async close() {
        // Nothing is open: the market is closed by who made it.
      },
    };
  });
}
