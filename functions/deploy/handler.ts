import { ENDED_TTL_MS } from '#shared/defaults.ts';
import { type DeploymentRecord, deploymentKey, deploymentRecord, liveKey } from '#shared/domain/deployment.ts';
import {
  type DeploymentRequest,
  deploymentRequested,
  eventRejected,
  routingOutcome,
} from '#shared/domain/events/catalogue.ts';
import { encodeEvent } from '#shared/domain/events/codec.ts';
import { AuroraError, RejectedError, TransientError } from '#shared/errors.ts';
import type { Bus } from '#shared/ports/bus.ts';
import type { WorldClock } from '#shared/ports/clock.ts';
import type { State, StateEntry } from '#shared/ports/state.ts';
import type { CallContext, Provider } from '#shared/providers/provider.ts';
import { eventFunction } from '#shared/runtime/event-function.ts';
import type { RuntimeDeps } from '#shared/runtime/http-function.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import { claimed, goneOutcome, nextAttempt, nextStep } from './decide.ts';

export interface DeployDeps extends RuntimeDeps {
  readonly worldClock: WorldClock;
  readonly providers: readonly Provider[];
  readonly bus: Bus;
  readonly state: State;
}

export function createDeploy(deps: DeployDeps): FunctionApp {
  const results = deps.metrics.counter({
    name: 'aurora_deploy_attempts_total',
    help: 'Deployment attempts by result',
    labels: ['provider', 'result'],
  });
  const providers = new Map(deps.providers.map((provider) => [provider.id, provider]));
  return eventFunction({
    name: 'deploy',
    deps,
    worldClock: deps.worldClock,
    accepts: ['deployment-requested'],
    quarantine: async (rejected) => {
      await deps.bus.publish(eventRejected.topic, [encodeEvent(eventRejected, rejected)]);
    },
    handle: async (event, context) => {
      const request = deploymentRequested.schema.parse(event.payload);
      const provider = providers.get(request.option.provider);
      if (provider === undefined)
        throw new RejectedError(
          'provider_unknown',
          `no adapter for provider ${JSON.stringify(request.option.provider)}`,
        );
      const result = await deploy(deps, provider, request, context);
      if (result !== null) results.with({ provider: provider.id, result }).add();
    },
  });
}

type Result = 'live' | 'gone' | null;

/** Walks the record through its states until this attempt has nothing left to do. Each state is durable before the next effect. */
async function deploy(
  deps: DeployDeps,
  provider: Provider,
  request: DeploymentRequest,
  context: CallContext,
): Promise<Result> {
  const { state, worldClock, log } = deps;
  const key = deploymentKey(request.decision_id);
  let entry = await state.get(key);
  let record = entry === null ? null : deploymentRecord.parse(entry.value);
  let result: Result = null;

  const put = async (next: DeploymentRecord, ttlMs?: number): Promise<void> => {
    const options = ttlMs === undefined ? {} : { ttlMs };
    const written: StateEntry | null =
      entry === null
        ? await state.create(key, next, options).then(({ created, entry: made }) => (created ? made : null))
        : await state.swap(key, entry.version, next, options);
    if (written === null)
      throw new TransientError(
        'state_unavailable',
        `deployment ${request.decision_id} is being handled by another delivery`,
      );
    entry = written;
    record = next;
  };

  for (;;) {
    const step = nextStep(record, request);
    switch (step) {
      case 'claim':
        await put(claimed(request, worldClock.now()));
        break;
      case 'create': {
        const current = record as unknown as DeploymentRecord;
        const instanceId = await create(provider, request, context);
        await put(
          instanceId === null ? { ...current, state: 'gone' } : { ...current, state: 'live', instance_id: instanceId },
        );
        result = instanceId === null ? 'gone' : 'live';
        log.info(
          {
            decision_id: request.decision_id,
            attempt: request.attempt,
            provider: provider.id,
            offer_id: request.option.offer_id,
            instance_id: instanceId,
            result,
          },
          'deployment',
        );
        break;
      }
      case 'move_on': {
        const current = record as unknown as DeploymentRecord;
        await moveOn(deps.bus, current);
        // The next attempt's own delivery takes the record over; without one the decision has ended.
        if (current.request.fallbacks.length === 0) await put({ ...current, state: 'ended' }, ENDED_TTL_MS);
        return result;
      }
      case 'index':
        await state.create(liveKey(request.decision_id), { decision_id: request.decision_id });
        return result;
      case 'done':
        return result;
      default:
        step satisfies never;
    }
  }
}

/** The instance id, or null when the offer is gone. */
async function create(provider: Provider, request: DeploymentRequest, context: CallContext): Promise<string | null> {
  const { request: workload, option } = request;
  const spec = {
    label: request.decision_id,
    gpu_count: workload.gpu_count,
    gpu_hours: workload.gpu_hours,
    workload_type: workload.workload_type,
  };
  try {
    return (await provider.deploy(option.offer_id, spec, context)).instance_id;
  } catch (error) {
    if (error instanceof AuroraError && error.code === 'offer_gone') return null;
    throw error;
  }
}

async function moveOn(bus: Bus, record: DeploymentRecord): Promise<void> {
  await bus.publish(routingOutcome.topic, [encodeEvent(routingOutcome, goneOutcome(record))]);
  const next = nextAttempt(record);
  if (next !== null) await bus.publish(deploymentRequested.topic, [encodeEvent(deploymentRequested, next)]);
}
