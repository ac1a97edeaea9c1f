import {
  INTENT_TTL_MS,
  MAX_WAITING_DEPLOYMENTS,
  POLL_INTERVAL_MS,
  ROUTE_MAX_CONCURRENT,
  WAITING_POLL_MS,
} from '#shared/defaults.ts';
import { LINEAR, RULES } from '#shared/domain/actor.ts';
import type { Stage } from '#shared/domain/control.ts';
import { deploymentRequested, routingDecision } from '#shared/domain/events/catalogue.ts';
import { encodeEvent } from '#shared/domain/events/codec.ts';
import { decisionId } from '#shared/domain/ids.ts';
import { canonicalWorkloadOf, type RouteRequest, routeRequest, type Workload } from '#shared/domain/request.ts';
import { type ErrorBody, errorBody, RejectedError, TransientError } from '#shared/errors.ts';
import type { Salt } from '#shared/platform.ts';
import type { Bus } from '#shared/ports/bus.ts';
import type { WorldClock } from '#shared/ports/clock.ts';
import type { Objects } from '#shared/ports/objects.ts';
import type { State, StateEntry } from '#shared/ports/state.ts';
import { httpFunction, json, parseJson, type RuntimeDeps } from '#shared/runtime/http-function.ts';
import { type Poller, poll } from '#shared/runtime/poller.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import { polledControl } from '#shared/serving/control.ts';
import { freshOffers, polledOffers } from '#shared/serving/offers.ts';
import { answerOf, type RouteAnswer } from './answer.ts';
import { decideRoute, type Routed } from './decide.ts';
import { answerOfIntent, type Intent, intent, intentKey, openIntent, requestHash } from './intent.ts';
import type { ScoreClient } from './score-client.ts';

export interface RouteDeps extends RuntimeDeps {
  readonly worldClock: WorldClock;
  readonly bus: Bus;
  readonly objects: Objects;
  readonly state: State;
  readonly scores: ScoreClient;
  /** Deployments requested and not yet taken by deploy; null: the bus cannot tell. */
  readonly waiting: () => Promise<number | null>;
  readonly salt: Salt;
  /** As long as no control object says another. */
  readonly stage: Stage;
  /** Id of a request that came without one. */
  readonly newRequestId: () => string;
}

interface Answered {
  readonly answer: RouteAnswer;
  /** Of a decision made now. */
  readonly arm: string | null;
  /** Decided by an earlier or a concurrent call with this request id. */
  readonly repeated: boolean;
}

export function createRoute(deps: RouteDeps): FunctionApp {
  const { hostClock, worldClock, log, state, bus, scores, metrics } = deps;
  const offers = polledOffers(deps.objects, log);
  const control = polledControl(deps.objects, deps.stage, log);
  const refresh = async (): Promise<void> => {
    await Promise.all([offers.refresh(), control.refresh()]);
  };
  const decisions = metrics.counter({
    name: 'aurora_route_requests_total',
    help: 'Routing decisions',
    labels: ['provider', 'status'],
  });
  const modes = metrics.counter({
    name: 'aurora_ai_decisions_total',
    help: 'Routing decisions by mode',
    labels: ['mode'],
  });
  const arms = metrics.counter({
    name: 'aurora_ai_arm_decisions_total',
    help: 'Routing decisions by who acted where actors are compared; none: no trial and no share',
    labels: ['arm'],
  });
  const pollers: Poller[] = [];
  let waiting: number | null = null;
  const settling = new Set<Promise<void>>();

  /** Step 3 of 3, not awaited by the caller: the intent forgets its events. Failing only costs a republish on a retry. */
  const settle = (entry: StateEntry, value: Intent): void => {
    const done = state
      .swap(entry.key, entry.version, { ...value, open: null }, { ttlMs: INTENT_TTL_MS })
      .then(() => undefined)
      .catch((error: unknown) =>
        log.warn({ key: entry.key, error: String(error) }, 'intent stays open; a retry publishes again'),
      )
      .finally(() => settling.delete(done));
    settling.add(done);
  };

  const publish = async (entry: StateEntry, value: Intent): Promise<void> => {
    if (value.open === null) return;
    const { decision, deployment } = value.open;
    await Promise.all([
      bus.publish(routingDecision.topic, [encodeEvent(routingDecision, decision)]),
      bus.publish(deploymentRequested.topic, [encodeEvent(deploymentRequested, deployment)]),
    ]);
    settle(entry, value);
  };

  /** The answer of an earlier call with this request id, its events certainly published. */
  const earlier = async (entry: StateEntry, workload: Workload): Promise<Answered> => {
    const value = intent.parse(entry.value);
    if (value.request_hash !== requestHash(workload)) {
      throw new RejectedError(
        'request_conflict',
        `request_id ${JSON.stringify(value.answer.request_id)} was used for a different request`,
      );
    }
    await publish(entry, value);
    return { answer: answerOfIntent(value, entry.key.slice(intentKey('').length)), arm: null, repeated: true };
  };

  /** Before anything is decided, so that a refusal leaves nothing behind. */
  const refuseWhenFull = (): void => {
    if (waiting === null || waiting < MAX_WAITING_DEPLOYMENTS) return;
    throw new TransientError(
      'overloaded',
      `${waiting} deployments wait already, the limit is ${MAX_WAITING_DEPLOYMENTS}`,
    );
  };

  const decide = async (request: RouteRequest, requestId: string, workload: Workload): Promise<Routed> => {
    refuseWhenFull();
    const startedMs = metrics.stopwatchMs();
    const scored = await scores.score({ ...request, request_id: requestId });
    const scoredMs = metrics.stopwatchMs();
    const nowMs = worldClock.now();
    const { value, generation } = freshOffers(offers.current(), nowMs, worldClock.speed);
    const { decision, deployment } = decideRoute({
      requestId,
      workload,
      offers: value,
      generation,
      scores: scored.answer,
      fallbackReason: scored.answer === null ? scored.reason : null,
      control: control.current(),
      nowMs,
      salt: deps.salt,
      scoreMs: scoredMs - startedMs,
    });
    return { decision: { ...decision, decide_ms: metrics.stopwatchMs() - scoredMs }, deployment };
  };

  /** Durable in this order: intent, then both events. Only then is the caller told. */
  const commit = async (routed: Routed, workload: Workload): Promise<Answered> => {
    const { decision, deployment } = routed;
    const answer = answerOf(routed);
    if (deployment === null) {
      await bus.publish(routingDecision.topic, [encodeEvent(routingDecision, decision)]);
      return { answer, arm: decision.arm, repeated: false };
    }
    const value = openIntent(answer, { decision, deployment }, workload);
    const { created, entry } = await state.create(intentKey(decision.decision_id), value, { ttlMs: INTENT_TTL_MS });
    if (!created) return earlier(entry, workload);
    await publish(entry, value);
    return { answer, arm: decision.arm, repeated: false };
  };

  return httpFunction({
    name: 'route',
    deps,
    maxConcurrent: ROUTE_MAX_CONCURRENT,
    ready: () => {
      const waiting = offers.current() === null ? ['offers/current.json: collect has not written it yet'] : [];
      return { ready: waiting.length === 0, waiting_for: waiting };
    },
    start: async () => {
      await refresh();
      const look = async (): Promise<void> => {
        waiting = await deps.waiting();
      };
      await look();
      pollers.push(
        poll({ name: 'route-objects', everyMs: POLL_INTERVAL_MS, hostClock, log, run: refresh }),
        poll({ name: 'route-waiting', everyMs: WAITING_POLL_MS, hostClock, log, run: look }),
      );
    },
    stop: async () => {
      await Promise.all(pollers.map((poller) => poller.stop()));
      await Promise.all(settling);
      await scores.close();
    },
    routes: [
      {
        method: 'POST',
        path: '/route',
        handle: async (raw) => {
          const request = parseJson(raw.body, routeRequest);
          const workload = canonicalWorkloadOf(request);
          const requestId = request.request_id ?? deps.newRequestId();
          const known =
            request.request_id === undefined
              ? null
              : await state.get(intentKey(decisionId(workload.tenant_id, requestId)));
          const { answer, arm, repeated } =
            known === null
              ? await commit(await decide(request, requestId, workload), workload)
              : await earlier(known, workload);
          if (!repeated) {
            decisions.with({ provider: answer.provider ?? 'none', status: answer.status }).add();
            modes.with({ mode: answer.mode }).add();
            arms.with({ arm: armLabel(arm) }).add();
          }
          log.info(
            {
              decision_id: answer.decision_id,
              request_id: requestId,
              provider: answer.provider,
              offer_id: answer.offer_id,
              mode: answer.mode,
              status: answer.status,
              fallback_reason: answer.fallback_reason,
              repeated,
            },
            'decision',
          );
          return answer.status === 'provisioning' ? json(200, answer) : json(503, { ...answer, ...refused(answer) });
        },
      },
    ],
  });
}

/** A refusal carries its code too, beside the answer's own fields. */
const refused = ({ reason }: RouteAnswer): ErrorBody =>
  errorBody(new RejectedError('no_eligible_offer', reason ?? 'nothing is eligible'));

/** Versions come and go; a label must not. */
const armLabel = (arm: string | null): string =>
  arm === null ? 'none' : arm === RULES || arm === LINEAR ? arm : 'version';
