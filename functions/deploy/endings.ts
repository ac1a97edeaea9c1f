/** What follows when an attempt comes to nothing, or its tenant gives it up. Publish first, then forget. */
import { ENDED_TTL_MS, OFFER_PATIENCE_MS } from '#shared/defaults.ts';
import { doubtKey, endedOf, type OpenDeployment } from '#shared/domain/deployment.ts';
import { type DeploymentRequest, deploymentRequested, routingOutcome } from '#shared/domain/events/catalogue.ts';
import { encodeEvent } from '#shared/domain/events/codec.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { settlementOf } from '#shared/domain/settlement.ts';
import type { CallContext } from '#shared/providers/provider.ts';
import { ageMs, type Cancellation, cancellationOf, endOf, goneOutcome, nextAttempt } from './decide.ts';
import type { Tools } from './deps.ts';
import type { Held, SavedRecord } from './record.ts';

/** The failed start is told, and the next offer asked for. Whoever looks after doubts hears of one before that. */
export async function moveOn(tools: Tools, saved: SavedRecord, held: Held, record: OpenDeployment): Promise<void> {
  const { bus } = tools;
  await noteDoubt(tools, record);
  const outcome = goneOutcome(record);
  await bus.publish(routingOutcome.topic, [encodeEvent(routingOutcome, outcome)]);
  const next = nextAttempt(record);
  if (next !== null) {
    // Its own delivery takes the record over.
    await bus.publish(deploymentRequested.topic, [encodeEvent(deploymentRequested, next)]);
    return;
  }
  await tools.settled?.(settlementOf(outcome));
  await saved.put(held, endedOf(record, outcome), { ttlMs: ENDED_TTL_MS });
}

/** The end of a deployment that its tenant has given up. */
export async function giveUp(tools: Tools, saved: SavedRecord, held: Held, end: Cancellation): Promise<void> {
  const { outcomes, ended } = end;
  await tools.bus.publish(
    routingOutcome.topic,
    outcomes.map((outcome) => encodeEvent(routingOutcome, outcome)),
  );
  const last = outcomes.at(-1);
  if (last !== undefined) await tools.settled?.(settlementOf(last));
  await saved.put(held, ended, { ttlMs: ENDED_TTL_MS });
}

/** The same, when something may have been made: it is ended first. @throws TransientError while its provider may yet answer */
export async function cancel(
  tools: Tools,
  work: { readonly saved: SavedRecord; readonly held: Held; readonly record: OpenDeployment },
  request: DeploymentRequest,
  context: CallContext,
): Promise<void> {
  const { worldClock, log } = tools;
  const { saved, held, record } = work;
  if (record.state === 'gone') await noteDoubt(tools, record);
  else {
    const failure = await tools.asking.release(record.request, context);
    const moment = { nowMs: worldClock.now(), speed: worldClock.speed };
    if (failure?.retryable === true && ageMs(request, moment) <= OFFER_PATIENCE_MS) throw failure;
    if (failure !== null) {
      log.warn({ ...idsOf(record.request), code: failure.code, error: failure }, 'given up, and perhaps still billed');
      await createDoubt(tools, record.request, rfc3339(moment.nowMs));
    }
  }
  await giveUp(tools, saved, held, cancellationOf(record));
}

async function noteDoubt(tools: Tools, record: OpenDeployment): Promise<void> {
  const { at, in_doubt: inDoubt } = endOf(record);
  if (inDoubt) await createDoubt(tools, record.request, at);
}

async function createDoubt({ state }: Tools, request: DeploymentRequest, since: string): Promise<void> {
  const { decision_id, attempt, option } = request;
  await state.create(doubtKey(decision_id, attempt), { decision_id, attempt, provider: option.provider, since });
}

export const idsOf = ({ decision_id, attempt, option: { provider, offer_id } }: DeploymentRequest) => ({
  decision_id,
  attempt,
  provider,
  offer_id,
});
