import { liveKey } from '#shared/domain/deployment.ts';
import { type DeploymentRequest, deploymentRequested } from '#shared/domain/events/catalogue.ts';
import type { Log } from '#shared/ports/log.ts';
import type { CallContext } from '#shared/providers/provider.ts';
import { closeTogether } from '#shared/runtime/closing.ts';
import { eventFunction } from '#shared/runtime/event-function.ts';
import { quarantineOver } from '#shared/runtime/quarantine.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import { asking } from './ask.ts';
import { type Answer, afterAnswer, ageMs, claimed, expired, givenUpAt, nextStep } from './decide.ts';
import type { DeployDeps, Tools } from './deps.ts';
import { cancel, giveUp, idsOf, moveOn } from './endings.ts';
import { recordOf } from './record.ts';

/** Its subscription's budget (shared/topology.ts). */
const DEPLOY_DEADLINE_MS = 75_000;

export function createDeploy(deps: DeployDeps): FunctionApp {
  const results = deps.metrics.counter({
    name: 'aurora_deploy_attempts_total',
    help: 'Deployment attempts by result',
    labels: ['provider', 'result'],
  });
  const byName = new Map(deps.providers.map((provider) => [provider.id, provider]));
  const tools: Tools = { ...deps, asking: asking(byName, deps) };
  return eventFunction({
    name: 'deploy',
    deps,
    worldClock: deps.worldClock,
    accepts: ['deployment-requested'],
    deadlineMs: DEPLOY_DEADLINE_MS,
    quarantine: quarantineOver(deps.bus),
    handle: async (event, context) => {
      const request = deploymentRequested.schema.parse(event.payload);
      const result = await deploy(tools, request, context);
      // Not the name that an event brings: only what is configured may become a label.
      const provider = byName.has(request.option.provider) ? request.option.provider : 'unknown';
      if (result !== null) results.with({ provider, result }).add();
    },
    start: () => tools.asking.start(),
    stop: async () => {
      await tools.asking.stop();
      await closeTogether(deps.providers.map((provider) => () => provider.close()));
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
  let before = true;

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
      tools.asking.took(request.option.provider, Math.max(0, ageMs(request, moment())));
      held = await saved.put(held, claimed(request, worldClock.now()));
      before = false;
      continue;
    }
    const { record } = held;
    if (record.state === 'ended') return result;
    if (record.state === 'cancelled') {
      await giveUp(tools, saved, held, givenUpAt(request, record.cancelled_at));
      return 'cancelled';
    }
    switch (step) {
      case 'create': {
        const note = async (instanceId: string): Promise<void> => {
          held = await saved.put(held, { ...record, instance_id: instanceId });
        };
        const answer = await tools.asking.deploy(request, { instanceId: record.instance_id, note }, context);
        const consequence = afterAnswer(record, answer, { ...moment(), before });
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
        await moveOn(tools, saved, held, record);
        return result;
      case 'cancel':
        await cancel(tools, { saved, held, record }, request, context);
        return 'cancelled';
      case 'index':
        await state.create(liveKey(request.decision_id), { decision_id: request.decision_id });
        return result;
      case 'give_up':
        throw new Error('a record that its tenant gave up has been seen to');
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
  { state, log, asking: { terminate } }: Tools,
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
  await terminate(request.option.provider, instanceId, context);
}

function logAttempt(log: Log, request: DeploymentRequest, answer: Answer, result: Result): void {
  const fields = { ...idsOf(request), result };
  if (answer.kind === 'made') log.info({ ...fields, instance_id: answer.instanceId }, 'deployment');
  else if (answer.error.code === 'offer_gone') log.info({ ...fields, instance_id: null }, 'deployment');
  else log.error({ ...fields, code: answer.error.code, error: answer.error }, 'deployment given up at this provider');
}
