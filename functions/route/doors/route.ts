/** `POST /route`: parse, decide, commit, answer. */
import { MAX_WAITING_DEPLOYMENTS } from '#shared/defaults.ts';
import { decisionId } from '#shared/domain/ids.ts';
import { canonicalWorkloadOf, type RouteRequest, routeRequest, type Workload } from '#shared/domain/request.ts';
import { type ErrorBody, errorBody, RejectedError, TransientError } from '#shared/errors.ts';
import { codedError } from '#shared/runtime/answers.ts';
import { type HttpRequest, type HttpRoute, json, parseJson } from '#shared/runtime/http-function.ts';
import type { FunctionResponse } from '#shared/runtime/types.ts';
import { freshOffers } from '#shared/serving/offers.ts';
import { failedRoute, type RouteAnswer } from '../answer.ts';
import type { Committed } from '../commit.ts';
import { decideRoute, type Routed } from '../decide.ts';
import { intentKey } from '../intent.ts';
import { barredAt } from '../standing.ts';
import type { Tools } from '../tools.ts';
import { type Caller, inNameOf } from './caller.ts';

export function routeDoor(tools: Tools): HttpRoute {
  const { state, metrics, figures, committer, log } = tools;

  const answer = async (raw: HttpRequest): Promise<FunctionResponse> => {
    const sinceMs = metrics.stopwatchMs();
    const known = tools.callerOf(raw);
    const caller = known instanceof Promise ? await known : known;
    const request = inNameOf(caller, parseJson(raw.body, routeRequest));
    const workload = canonicalWorkloadOf(request);
    const requestId = request.request_id ?? tools.newRequestId();
    const before =
      request.request_id === undefined ? null : await state.get(intentKey(decisionId(workload.tenant_id, requestId)));
    const committed =
      before === null
        ? await decideAndCommit(tools, { ...request, request_id: requestId }, workload, caller)
        : await committer.earlier(before, workload);
    const { answer: given, arm, repeated } = committed;
    if (!repeated) figures.decided(given, arm, metrics.stopwatchMs() - sinceMs);
    tools.seen.mode = given.mode;
    logAnswer(log, committed);
    return given.status === 'provisioning' ? json(200, given) : json(503, { ...given, ...refused(given) });
  };

  return {
    method: 'POST',
    path: '/route',
    failure: failedRoute,
    async handle(raw) {
      tools.seen.lastRequestMs = tools.hostClock.now();
      try {
        return await answer(raw);
      } catch (thrown) {
        figures.failed(codedError(thrown).code);
        throw thrown;
      }
    },
  };
}

async function decideAndCommit(
  tools: Tools,
  request: RouteRequest & { readonly request_id: string },
  workload: Workload,
  caller: Caller,
): Promise<Committed> {
  const { queues, world, hostClock } = tools;
  refuseWhenFull(world.waiting());
  const routed = await decide(tools, request, workload, caller);
  const committed = await tools.committer.commit(routed, workload, caller);
  const { provider } = committed.answer;
  if (provider !== null && !committed.repeated) {
    const spacingMs = world.standings().get(provider)?.report?.capabilities.create_spacing_ms ?? 0;
    queues.add(provider, spacingMs, hostClock.now());
  }
  return committed;
}

/** Before anything is decided, so that a refusal leaves nothing behind. */
function refuseWhenFull(waiting: number | null): void {
  if (waiting === null || waiting < MAX_WAITING_DEPLOYMENTS) return;
  throw new TransientError(
    'overloaded',
    `${waiting} deployments wait already, the limit is ${MAX_WAITING_DEPLOYMENTS}`,
  );
}

async function decide(
  tools: Tools,
  request: RouteRequest & { readonly request_id: string },
  workload: Workload,
  caller: Caller,
): Promise<Routed> {
  const { metrics, world, worldClock, hostClock, queues } = tools;
  const startedMs = metrics.stopwatchMs();
  const scored = await tools.scores.score(request);
  const scoredMs = metrics.stopwatchMs();
  const now = { hostMs: hostClock.now(), worldMs: worldClock.now(), speed: worldClock.speed };
  const { value, generation } = freshOffers(world.offers(), now.worldMs, now.speed);
  const { decision, deployment } = decideRoute({
    requestId: request.request_id,
    workload,
    offers: value,
    generation,
    restrictions: {
      barred: barredAt(world.standings(), (provider) => queues.waitMs(provider, now.hostMs), now),
      maxUsdPerGpuHour: caller?.max_usd_per_gpu_hour ?? Number.POSITIVE_INFINITY,
      maxUsdPerDeployment: caller?.max_usd_per_deployment ?? Number.POSITIVE_INFINITY,
    },
    scores: scored.answer,
    fallbackReason: scored.answer === null ? scored.reason : null,
    control: world.control(),
    nowMs: now.worldMs,
    salt: tools.salt,
    scoreMs: scoredMs - startedMs,
  });
  return { decision: { ...decision, decide_ms: metrics.stopwatchMs() - scoredMs }, deployment };
}

/** A refusal carries its code too, beside the answer's own fields. */
const refused = ({ reason }: RouteAnswer): ErrorBody =>
  errorBody(new RejectedError('no_eligible_offer', reason ?? 'nothing is eligible'));

function logAnswer(log: Tools['log'], { answer, repeated }: Committed): void {
  const { decision_id, request_id, provider, offer_id, mode, status, fallback_reason } = answer;
  log.info({ decision_id, request_id, provider, offer_id, mode, status, fallback_reason, repeated }, 'decision');
}
