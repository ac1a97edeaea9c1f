/**
 * Making a decision durable, in this order: its estimate reserved where its tenant has a budget, its intent, then both events; only then
 * is the caller told. Who is killed in between leaves too much reserved, or an intent whose events the next try publishes.
 */
import { INTENT_TTL_MS } from '#shared/defaults.ts';
import type { Reservation } from '#shared/domain/budget.ts';
import type { Decision } from '#shared/domain/decision.ts';
import { type DeploymentRequest, deploymentRequested, routingDecision } from '#shared/domain/events/catalogue.ts';
import { encodeEvent } from '#shared/domain/events/codec.ts';
import type { Workload } from '#shared/domain/request.ts';
import type { Tenant } from '#shared/domain/tenant.ts';
import { RejectedError } from '#shared/errors.ts';
import type { Bus } from '#shared/ports/bus.ts';
import type { Log } from '#shared/ports/log.ts';
import type { State, StateEntry } from '#shared/ports/state.ts';
import type { Budgets } from '#shared/serving/budgets/index.ts';
import { answerOf, type RouteAnswer } from './answer.ts';
import type { Routed } from './decide.ts';
import {
  answerOfIntent,
  decisionIdOf,
  deploymentIn,
  type Intent,
  intent,
  intentKey,
  openIntent,
  requestHash,
} from './intent.ts';

export interface Committed {
  readonly answer: RouteAnswer;
  /** Of a decision made now. */
  readonly arm: string | null;
  /** Decided by an earlier or a concurrent call with this request id. */
  readonly repeated: boolean;
}

export interface Committer {
  /** @throws RejectedError budget_exceeded: nothing has happened; TransientError: it may have, and the same request tells */
  commit(routed: Routed, workload: Workload, tenant: Tenant | null): Promise<Committed>;
  /** The answer of an earlier call with this request id, its events certainly published. @throws RejectedError request_conflict */
  earlier(entry: StateEntry, workload: Workload): Promise<Committed>;
  /** Resolves when nothing is being written behind an answer any more. */
  settled(): Promise<void>;
}

export interface CommitDeps {
  readonly state: State;
  readonly bus: Bus;
  readonly budgets: Budgets;
  readonly log: Log;
}

export function createCommitter({ state, bus, budgets, log }: CommitDeps): Committer {
  const settling = new Set<Promise<void>>();
  /** Not awaited by the caller. */
  const behind = (work: Promise<unknown>, failed: (error: unknown) => void): void => {
    const done: Promise<void> = work
      .then(() => undefined)
      .catch(failed)
      .finally(() => settling.delete(done));
    settling.add(done);
  };

  /** The intent forgets its events. Failing only costs a republish on a retry. */
  const close = ({ key, version }: StateEntry, value: Intent): void =>
    behind(state.swap(key, version, { ...value, open: null }, { ttlMs: INTENT_TTL_MS }), (error) =>
      log.warn({ key, error: String(error) }, 'intent stays open; a retry publishes again'),
    );
  /** Another has decided: the estimate of this call stands for nothing. */
  const release = (reservation: Reservation): void =>
    behind(budgets.release(reservation), (error) =>
      log.warn({ ...reservation, error: String(error) }, 'a reservation of no decision stays until the end of its day'),
    );

  const publish = async (entry: StateEntry, value: Intent, made?: Made): Promise<void> => {
    if (value.open === null) return;
    const { reservation, ...text } = value.open;
    const { decision, deployment } = made ?? readAgain(value.open);
    const work: Promise<unknown>[] = [
      bus.publish(routingDecision.topic, [encodeEvent(routingDecision, decision, { text: text.decision })]),
      bus.publish(deploymentRequested.topic, [encodeEvent(deploymentRequested, deployment, { text: text.deployment })]),
    ];
    if (reservation !== null) work.push(budgets.hold(decision.decision_id, reservation));
    await Promise.all(work);
    close(entry, value);
  };

  const earlier: Committer['earlier'] = async (entry, workload) => {
    const value = intent.parse(entry.value);
    if (value.request_hash !== requestHash(workload)) {
      throw new RejectedError(
        'request_conflict',
        `request_id ${JSON.stringify(value.answer.request_id)} was used for a different request`,
      );
    }
    await publish(entry, value);
    return { answer: answerOfIntent(value, decisionIdOf(entry.key)), arm: null, repeated: true };
  };

  return {
    earlier,
    async commit(routed, workload, tenant) {
      const { decision, deployment } = routed;
      const answer = answerOf(routed);
      if (deployment === null) {
        await bus.publish(routingDecision.topic, [encodeEvent(routingDecision, decision)]);
        return { answer, arm: decision.arm, repeated: false };
      }
      const reservation =
        tenant === null || tenant.daily_usd === null ? null : await budgets.reserve(tenant, dearestUsd(deployment));
      const text = { decision: JSON.stringify(decision), deployment: JSON.stringify(deployment) };
      const value = openIntent(answer, { ...text, reservation }, workload);
      const { created, entry } = await state.create(intentKey(decision.decision_id), value, { ttlMs: INTENT_TTL_MS });
      if (!created) {
        if (reservation !== null) release(reservation);
        return earlier(entry, workload);
      }
      await publish(entry, value, { decision, deployment });
      return { answer, arm: decision.arm, repeated: false };
    },
    async settled() {
      await Promise.all(settling);
    },
  };
}

interface Made {
  readonly decision: Decision;
  readonly deployment: DeploymentRequest;
}

/** Of an intent that somebody else left open. */
const readAgain = (open: NonNullable<Intent['open']>): Made => ({
  decision: routingDecision.schema.parse(JSON.parse(open.decision)),
  deployment: deploymentIn(open),
});

/** What the whole run may come to, by the dearest offer that may be tried. */
const dearestUsd = ({ option, fallbacks, request }: DeploymentRequest): number =>
  Math.max(...[option, ...fallbacks].map((one) => one.advertised_usd_per_gpu_hour)) * request.gpu_hours;
