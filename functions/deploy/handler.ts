import { ENDED_TTL_MS } from '#shared/defaults.ts';
import { doubtKey, endedOf, liveKey, type OpenDeployment } from '#shared/domain/deployment.ts';
import { type DeploymentRequest, deploymentRequested, routingOutcome } from '#shared/domain/events/catalogue.ts';
import { encodeEvent } from '#shared/domain/events/codec.ts';
import type { Bus } from '#shared/ports/bus.ts';
import type { WorldClock } from '#shared/ports/clock.ts';
import type { Log } from '#shared/ports/log.ts';
import type { State } from '#shared/ports/state.ts';
import type { CallContext, Provider } from '#shared/providers/provider.ts';
import { eventFunction } from '#shared/runtime/event-function.ts';
import type { RuntimeDeps } from '#shared/runtime/http-function.ts';
import { quarantineOver } from '#shared/runtime/quarantine.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import { type Ask, asking } from './ask.ts';
import {
  type Answer,
  afterAnswer,
  cancelledOutcome,
  claimed,
  endOf,
  expired,
  goneOutcome,
  nextAttempt,
  nextStep,
} from './decide.ts';
import { recordOf } from './record.ts';

export interface DeployDeps extends RuntimeDeps {
  readonly worldClock: WorldClock;
  readonly providers: readonly Provider[];
  readonly bus: Bus;
  readonly state: State;
}

/** What deploy works with: its dependencies, and the providers by name. */
interface Tools extends DeployDeps {
  readonly byName: ReadonlyMap<string, Provider>;
  readonly ask: Ask;
}

export function createDeploy(deps: DeployDeps): FunctionApp {
  const results = deps.metrics.counter({
    name: 'aurora_deploy_attempts_total',
    help: 'Deployment attempts by result',
    labels: ['provider', 'result'],
  });
  const byName = new Map(deps.providers.map((provider) => [provider.id, provider]));
  const tools: Tools = { ...deps, byName, ask: asking(byName, deps.hostClock) };
  return eventFunction({
    name: 'deploy',
    deps,
    worldClock: deps.worldClock,
    accepts: ['deployment-requested'],
    quarantine: quarantineOver(deps.bus),
    handle: async (event, context) => {
      const request = deploymentRequested.schema.parse(event.payload);
      const result = await deploy(tools, request, context);
      // Not the name that an event brings: only what is configured may become a label.
      const provider = byName.has(request.option.provider) ? request.option.provider : 'unknown';
      if (result !== null) results.with({ provider, result }).add();
    },
  });
}

/** What became of the attempt in this delivery; null: nothing that counts. */
type Result = 'live' | 'gone' | 'in_doubt' | 'expired' | 'cancelled' | null;
const RESULT_OF = { made: 'live', refused: 'gone', silent: 'in_doubt' } as const;

/** Walks the record through its states until this attempt has nothing left to do. Each state is durable before the next effect. */
async function deploy(tools: Tools, request: DeploymentRequest, context: CallContext): Promise<Result> {
  const { state, worldClock } = tools;
  const saved = recordOf(state, request.decision_id);
  const moment = () => ({ nowMs: worldClock.now(), speed: worldClock.speed });
  let held = await saved.read();
  let result: Result = null;

  for (;;) {
    const step = nextStep(held?.record ?? null, request, moment());
    if (step === 'done') return result;
    if (step === 'expire') {
      held = await saved.put(held, expired(request, worldClock.now()));
      result = 'expired';
      tools.log.warn({ ...idsOf(request), requested_at: request.requested_at }, 'deployment requested too long ago');
      continue;
    }
    if (step === 'claim' || held === null) {
      held = await saved.put(held, claimed(request, worldClock.now()));
      continue;
    }
    const { record } = held;
    if (record.state === 'cancelled') {
      const outcome = cancelledOutcome(request, record.cancelled_at);
      await tools.bus.publish(routingOutcome.topic, [encodeEvent(routingOutcome, outcome)]);
      await saved.put(held, endedOf(claimed(request, worldClock.now()), outcome), { ttlMs: ENDED_TTL_MS });
      return 'cancelled';
    }
    if (record.state === 'ended') return result;
    switch (step) {
      case 'create': {
        const answer = await tools.ask(request, context);
        const consequence = afterAnswer(record, answer, moment());
        if ('again' in consequence) throw consequence.again;
        try {
          held = await saved.put(held, consequence.next);
        } catch (error) {
          if (answer.kind === 'made') await releaseUnlessHeld(tools, request, answer.instanceId, context);
          throw error;
        }
        result = RESULT_OF[answer.kind];
        logAttempt(tools.log, request, answer, result);
        break;
      }
      case 'move_on':
        await moveOn(tools, record);
        // The next attempt's own delivery takes the record over; without one the decision has ended.
        if (nextAttempt(record) === null)
          await saved.put(held, endedOf(record, goneOutcome(record)), { ttlMs: ENDED_TTL_MS });
        return result;
      case 'give_up':
        return result;
      case 'index':
        await state.create(liveKey(request.decision_id), { decision_id: request.decision_id });
        return result;
      default:
        step satisfies never;
    }
  }
}

/**
 * Two deliveries of one attempt may overlap, and one find the offer gone where the other still got it. What the record does
 * not come to name must not run on: nobody would follow it, and the next attempt makes a second one.
 */
async function releaseUnlessHeld(
  { state, log, byName }: Tools,
  request: DeploymentRequest,
  instanceId: string,
  context: CallContext,
): Promise<void> {
  const held = await recordOf(state, request.decision_id).read();
  const record = held?.record ?? null;
  // Still being deployed: the redelivery gets the same instance by its label.
  if (record === null || (record.state === 'deploying' && record.attempt === request.attempt)) return;
  if (record.state !== 'cancelled' && record.instance_id === instanceId) return;
  log.warn(
    { decision_id: request.decision_id, instance_id: instanceId },
    'instance that no record names is terminated',
  );
  await byName.get(request.option.provider)?.terminate(instanceId, context);
}

const idsOf = ({ decision_id, attempt, option: { provider, offer_id } }: DeploymentRequest) => ({
  decision_id,
  attempt,
  provider,
  offer_id,
});

function logAttempt(log: Log, request: DeploymentRequest, answer: Answer, result: Result): void {
  const fields = { ...idsOf(request), result };
  if (answer.kind === 'made') log.info({ ...fields, instance_id: answer.instanceId }, 'deployment');
  else if (answer.error.code === 'offer_gone') log.info({ ...fields, instance_id: null }, 'deployment');
  else log.error({ ...fields, code: answer.error.code, error: answer.error }, 'deployment given up at this provider');
}

/** Whoever looks after doubts hears of one before another provider is asked. */
async function moveOn({ bus, state }: Tools, record: OpenDeployment): Promise<void> {
  const { decision_id, attempt, option } = record.request;
  const { at, in_doubt: inDoubt } = endOf(record);
  if (inDoubt)
    await state.create(doubtKey(decision_id, attempt), { decision_id, attempt, provider: option.provider, since: at });
  await bus.publish(routingOutcome.topic, [encodeEvent(routingOutcome, goneOutcome(record))]);
  const next = nextAttempt(record);
  if (next !== null) await bus.publish(deploymentRequested.topic, [encodeEvent(deploymentRequested, next)]);
}
