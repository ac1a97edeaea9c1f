import { ENDED_TTL_MS } from '#shared/defaults.ts';
import { deploymentKey, deploymentRecord, LIVE_PREFIX, type OpenDeployment } from '#shared/domain/deployment.ts';
import { routingOutcome } from '#shared/domain/events/catalogue.ts';
import { describeIssues, encodeEvent } from '#shared/domain/events/codec.ts';
import { RejectedError } from '#shared/errors.ts';
import type { Bus } from '#shared/ports/bus.ts';
import type { WorldClock } from '#shared/ports/clock.ts';
import type { State, StateEntry } from '#shared/ports/state.ts';
import type { CallContext, Provider } from '#shared/providers/provider.ts';
import { codedError } from '#shared/runtime/answers.ts';
import { httpFunction, json, type RuntimeDeps } from '#shared/runtime/http-function.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import { type Observation, observe } from './decide.ts';
import { doubtKeeper } from './doubts.ts';

export interface WatchDeps extends RuntimeDeps {
  readonly worldClock: WorldClock;
  readonly providers: readonly Provider[];
  readonly bus: Bus;
  readonly state: State;
}

/** Deployments looked at together: one publish and one group commit of state each. */
const PAGE = 256;
/** Of a run's time, kept for the last page's events and records. */
const SETTLE_RESERVE_MS = 2_000;

interface WatchReport {
  live: number;
  ready: number;
  ended: number;
  unreachable: number;
  /** False: time ran out; the next run goes on from there. */
  complete: boolean;
}

export function createWatch(deps: WatchDeps): FunctionApp {
  const outcomes = deps.metrics.counter({
    name: 'aurora_outcomes_total',
    help: 'Final outcomes by status',
    labels: ['provider', 'status'],
  });
  const active = deps.metrics.gauge({
    name: 'aurora_active_deployments',
    help: 'Deployments followed now',
    labels: ['provider'],
  });
  const providers = new Map(deps.providers.map((provider) => [provider.id, provider]));
  const settleDoubts = doubtKeeper({ ...deps, providers });
  /** Last key of a run that ran out of time; '' = from the start. Else many deployments would starve the last ones. */
  let resumeAfter = '';

  const run = async (context: Required<CallContext>): Promise<WatchReport> => {
    const counts = new Map([...providers.keys()].map((provider) => [provider, 0]));
    const report: WatchReport = { live: 0, ready: 0, ended: 0, unreachable: 0, complete: false };
    const deadline = context.deadline - SETTLE_RESERVE_MS;
    const follow = follower(deps, providers, { deadline, signal: context.signal });
    const fromStart = resumeAfter === '';
    let index: readonly StateEntry[];
    do {
      index = await deps.state.list(LIVE_PREFIX, { limit: PAGE, after: resumeAfter });
      const followed = (await Promise.all(index.map(follow))).filter((one) => one !== null);
      await settle(deps, followed);
      for (const { record, observation, reachable } of followed) {
        const { provider } = record.request.option;
        if (!reachable) report.unreachable += 1;
        if (observation.next.state === 'ended') report.ended += 1;
        else counts.set(provider, (counts.get(provider) ?? 0) + 1);
        for (const { final, status } of observation.outcomes) {
          if (final) outcomes.with({ provider, status }).add();
          else report.ready += 1;
        }
      }
      resumeAfter = index.length < PAGE ? '' : (index.at(-1)?.key ?? '');
    } while (resumeAfter !== '' && deps.hostClock.now() < deadline);
    report.complete = resumeAfter === '';
    await settleDoubts({ deadline, signal: context.signal });
    for (const [provider, count] of counts) {
      // A part of them is no count of them.
      if (fromStart && report.complete) active.with({ provider }).set(count);
      report.live += count;
    }
    return report;
  };

  return httpFunction({
    name: 'watch',
    deps,
    routes: [{ method: 'POST', path: '/run', handle: async (request) => json(200, await run(request)) }],
  });
}

interface Followed {
  readonly entry: StateEntry;
  readonly index: StateEntry;
  readonly record: OpenDeployment;
  readonly observation: Observation;
  /** False: the provider could not be asked; nothing changes. */
  readonly reachable: boolean;
}

/** Looks at one live deployment. What goes wrong with one must not keep the others from being followed. */
function follower(
  { state, log, worldClock }: WatchDeps,
  providers: ReadonlyMap<string, Provider>,
  context: CallContext,
): (index: StateEntry) => Promise<Followed | null> {
  return async (index) => {
    const decisionId = index.key.slice(LIVE_PREFIX.length);
    const entry = await state.get(deploymentKey(decisionId));
    const parsed = entry === null ? null : deploymentRecord.safeParse(entry.value);
    if (parsed !== null && !parsed.success) {
      const reason = describeIssues(parsed.error.issues);
      log.error({ decision_id: decisionId, reason }, 'deployment record cannot be read; it is not followed');
      return null;
    }
    const record = parsed?.data ?? null;
    if (entry === null || record === null || record.state !== 'live') {
      // Ended by an earlier run that was killed before it cleared the index.
      await state.remove(index.key, index.version);
      return null;
    }
    const { provider: providerId } = record.request.option;
    try {
      const provider = providers.get(providerId);
      if (provider === undefined)
        throw new RejectedError('provider_unknown', `no adapter for provider ${JSON.stringify(providerId)}`);
      const status = await provider.status(record.instance_id ?? '', context);
      return { entry, index, record, observation: observe(record, status, worldClock.now()), reachable: true };
    } catch (thrown) {
      const error = codedError(thrown);
      log.warn(
        { decision_id: decisionId, provider: providerId, code: error.code, error: error.cause ?? error },
        'status unknown now; looked at again on the next run',
      );
      return { entry, index, record, observation: { outcomes: [], next: record }, reachable: false };
    }
  };
}

/** Publish first, then forget: a run killed in between publishes the same events again. */
async function settle({ bus, state, log }: WatchDeps, followed: readonly Followed[]): Promise<void> {
  const outcomes = followed.flatMap((one) => one.observation.outcomes);
  if (outcomes.length > 0)
    await bus.publish(
      routingOutcome.topic,
      outcomes.map((outcome) => encodeEvent(routingOutcome, outcome)),
    );
  for (const { decision_id, attempt, provider, status, final } of outcomes)
    log.info({ decision_id, attempt, provider, status, final }, 'outcome');
  await Promise.all(
    followed.map(async ({ entry, index, record, observation: { next } }) => {
      if (next === record) return;
      const over = next.state === 'ended';
      const written = await state.swap(entry.key, entry.version, next, over ? { ttlMs: ENDED_TTL_MS } : {});
      // Lost to another run: the index stays, and the next run ends it with the same events.
      if (over && written !== null) await state.remove(index.key, index.version);
    }),
  );
}
