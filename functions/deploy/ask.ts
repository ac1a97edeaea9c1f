/** Asking a provider for an instance. Every way in which that can end is an answer; nothing is thrown. */
import { WORKLOAD_IMAGE_DEFAULT, WORKLOAD_PORT_DEFAULT } from '#shared/defaults.ts';
import type { DeploymentRequest } from '#shared/domain/events/catalogue.ts';
import type { Workload } from '#shared/domain/request.ts';
import { RejectedError, TransientError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import type { CallContext, DeploySpec, Provider } from '#shared/providers/provider.ts';
import { codedError } from '#shared/runtime/answers.ts';
import { type Breaker, createBreaker } from '#shared/runtime/breaker.ts';
import type { Answer } from './decide.ts';

export type Ask = (request: DeploymentRequest, context: CallContext) => Promise<Answer>;

/** Of a delivery's time, kept for what follows from the answer. */
const SETTLE_RESERVE_MS = 2_000;

/**
 * A provider that hangs costs each delivery its whole time, and they come one at a time: after a few in a row it is not asked
 * for a moment, so that those that have waited long enough can go elsewhere.
 */
export function asking(providers: ReadonlyMap<string, Provider>, hostClock: Pick<HostClock, 'now'>): Ask {
  const breakers = new Map([...providers.keys()].map((id) => [id, createBreaker({ name: id })]));
  return async (request, context) => {
    const { provider: id } = request.option;
    const [provider, breaker] = [providers.get(id), breakers.get(id)];
    if (provider === undefined || breaker === undefined)
      return {
        kind: 'refused',
        error: new RejectedError('provider_unknown', `no adapter for provider ${JSON.stringify(id)}`),
      };
    if (!breaker.allow(hostClock.now()))
      return {
        kind: 'silent',
        error: new TransientError('provider_unavailable', `${id} is not asked for now: it has failed again and again`),
      };
    return ask(provider, request, { ...context, deadline: context.deadline - SETTLE_RESERVE_MS }, breaker, hostClock);
  };
}

const specOf = (workload: Workload): DeploySpec => ({
  gpu_type: workload.gpu_type,
  region: workload.region,
  gpu_count: workload.gpu_count,
  gpu_hours: workload.gpu_hours,
  workload_type: workload.workload_type,
  max_usd_per_gpu_hour: workload.max_price,
  image: workload.image ?? WORKLOAD_IMAGE_DEFAULT,
  port: workload.port ?? WORKLOAD_PORT_DEFAULT,
});

async function ask(
  provider: Provider,
  { decision_id: requestId, request: workload, option }: DeploymentRequest,
  context: CallContext,
  breaker: Breaker,
  hostClock: Pick<HostClock, 'now'>,
): Promise<Answer> {
  const offer = { offer_id: option.offer_id, usd_per_gpu_hour: option.advertised_usd_per_gpu_hour };
  try {
    const made = await provider.deploy(offer, specOf(workload), { ...context, requestId });
    breaker.success(hostClock.now());
    return { kind: 'made', instanceId: made.instance_id };
  } catch (thrown) {
    const error = codedError(thrown);
    if (error.retryable) breaker.failure(hostClock.now());
    else breaker.success(hostClock.now());
    return { kind: error.retryable ? 'silent' : 'refused', error };
  }
}
