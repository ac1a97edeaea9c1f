import { ENDED_TTL_MS } from '#shared/defaults.ts';
import {
  type DeploymentRecord,
  deploymentKey,
  deploymentRecord,
  endedOf,
  liveKey,
  type OpenDeployment,
} from '#shared/domain/deployment.ts';
import { type DeploymentRequest, deploymentRequested, routingOutcome } from '#shared/domain/events/catalogue.ts';
import { encodeEvent } from '#shared/domain/events/codec.ts';
import { AuroraError, RejectedError, TransientError } from '#shared/errors.ts';
import type { Bus } from '#shared/ports/bus.ts';
import type { WorldClock } from '#shared/ports/clock.ts';
import type { Log } from '#shared/ports/log.ts';
import type { State, StateEntry, StateOptions } from '#shared/ports/state.ts';
import type { CallContext, Provider } from '#shared/providers/provider.ts';
import { eventFunction } from '#shared/runtime/event-function.ts';
import type { RuntimeDeps } from '#shared/runtime/http-function.ts';
import { quarantineOver } from '#shared/runtime/quarantine.ts';
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
    quarantine: quarantineOver(deps.bus),
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
  const { state, worldClock } = deps;
  const saved = recordOf(state, request.decision_id);
  let held = await saved.read();
  let result: Result = null;

  for (;;) {
    const step = nextStep(held?.record ?? null, request);
    if (step === 'done') return result;
    if (step === 'claim' || held === null) {
      held = await saved.put(held, claimed(request, worldClock.now()));
      continue;
    }
    const { record } = held;
    if (record.state === 'ended') return result;
    switch (step) {
      case 'create': {
        const instanceId = await create(provider, request, context);
        const next: OpenDeployment =
          instanceId === null ? { ...record, state: 'gone' } : { ...record, state: 'live', instance_id: instanceId };
        try {
          held = await saved.put(held, next);
        } catch (error) {
          if (instanceId !== null) await releaseUnlessHeld(deps, provider, request, instanceId, context);
          throw error;
        }
        result = instanceId === null ? 'gone' : 'live';
        logAttempt(deps.log, request, instanceId, result);
        break;
      }
      case 'move_on':
        await moveOn(deps.bus, record);
        // The next attempt's own delivery takes the record over; without one the decision has ended.
        if (record.request.fallbacks.length === 0) await saved.put(held, endedOf(record), { ttlMs: ENDED_TTL_MS });
        return result;
      case 'index':
        await state.create(liveKey(request.decision_id), { decision_id: request.decision_id });
        return result;
      default:
        step satisfies never;
    }
  }
}

interface Held {
  readonly entry: StateEntry;
  readonly record: DeploymentRecord;
}

/** The one record of a decision. */
function recordOf(state: State, decisionId: string) {
  const key = deploymentKey(decisionId);
  return {
    async read(): Promise<Held | null> {
      const entry = await state.get(key);
      return entry === null ? null : { entry, record: deploymentRecord.parse(entry.value) };
    },
    /** @throws TransientError state_unavailable when another delivery wrote in between */
    async put(held: Held | null, next: DeploymentRecord, options?: StateOptions): Promise<Held> {
      let entry: StateEntry | null;
      if (held === null) {
        const made = await state.create(key, next, options);
        entry = made.created ? made.entry : null;
      } else entry = await state.swap(held.entry.key, held.entry.version, next, options);
      if (entry === null)
        throw new TransientError('state_unavailable', `deployment ${decisionId} is being handled by another delivery`);
      return { entry, record: next };
    },
  };
}

/**
 * Two deliveries of one attempt may overlap, and one find the offer gone where the other still got it. What the record does
 * not come to name must not run on: nobody would follow it, and the next attempt makes a second one.
 */
async function releaseUnlessHeld(
  { state, log }: DeployDeps,
  provider: Provider,
  request: DeploymentRequest,
  instanceId: string,
  context: CallContext,
): Promise<void> {
  const held = await recordOf(state, request.decision_id).read();
  const record = held?.record ?? null;
  // Still being deployed: the redelivery gets the same instance by its label.
  if (record === null || (record.attempt === request.attempt && record.state === 'deploying')) return;
  if (record.instance_id === instanceId) return;
  log.warn(
    { decision_id: request.decision_id, instance_id: instanceId },
    'instance that no record names is terminated',
  );
  await provider.terminate(instanceId, context);
}

function logAttempt(log: Log, request: DeploymentRequest, instanceId: string | null, result: Result): void {
  const { decision_id, attempt, option } = request;
  const { provider, offer_id } = option;
  log.info({ decision_id, attempt, provider, offer_id, instance_id: instanceId, result }, 'deployment');
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

async function moveOn(bus: Bus, record: OpenDeployment): Promise<void> {
  await bus.publish(routingOutcome.topic, [encodeEvent(routingOutcome, goneOutcome(record))]);
  const next = nextAttempt(record);
  if (next !== null) await bus.publish(deploymentRequested.topic, [encodeEvent(deploymentRequested, next)]);
}
