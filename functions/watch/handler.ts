import { ENDED_TTL_MS } from '#shared/defaults.ts';
import {
  type DeploymentRecord,
  deploymentKey,
  deploymentRecord,
  LIVE_PREFIX,
  liveKey,
} from '#shared/domain/deployment.ts';
import { routingOutcome } from '#shared/domain/events/catalogue.ts';
import { encodeEvent } from '#shared/domain/events/codec.ts';
import { AuroraError } from '#shared/errors.ts';
import type { Bus } from '#shared/ports/bus.ts';
import type { WorldClock } from '#shared/ports/clock.ts';
import type { State, StateEntry } from '#shared/ports/state.ts';
import type { CallContext, Provider } from '#shared/providers/provider.ts';
import { httpFunction, json, type RuntimeDeps } from '#shared/runtime/http-function.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import { type Observation, observe } from './decide.ts';

export interface WatchDeps extends RuntimeDeps {
  readonly worldClock: WorldClock;
  readonly providers: readonly Provider[];
  readonly bus: Bus;
  readonly state: State;
}

/** Deployments looked at together: one publish and one group commit of state each. */
const PAGE = 256;

interface WatchReport {
  live: number;
  ready: number;
  ended: number;
  unreachable: number;
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
  return httpFunction({
    name: 'watch',
    deps,
    routes: [
      {
        method: 'POST',
        path: '/run',
        handle: async (request) => {
          const counts = new Map(deps.providers.map((provider) => [provider.id, 0]));
          const report: WatchReport = { live: 0, ready: 0, ended: 0, unreachable: 0 };
          for await (const followed of pages(deps, request)) {
            await settle(deps, followed);
            for (const { record, observation } of followed) {
              if (observation.ended) report.ended += 1;
              else counts.set(record.request.option.provider, (counts.get(record.request.option.provider) ?? 0) + 1);
              for (const outcome of observation.outcomes) {
                if (outcome.final) outcomes.with({ provider: outcome.provider, status: outcome.status }).add();
                else report.ready += 1;
              }
              if (observation.unreachable) report.unreachable += 1;
            }
          }
          for (const [provider, count] of counts) {
            active.with({ provider }).set(count);
            report.live += count;
          }
          return json(200, report);
        },
      },
    ],
  });
}

interface Followed {
  readonly entry: StateEntry;
  readonly index: StateEntry;
  readonly record: DeploymentRecord;
  readonly observation: Observation & { readonly unreachable: boolean };
}

/** Live deployments with what became of them, a page at a time, until all are seen or the deadline is near. */
async function* pages(deps: WatchDeps, context: CallContext): AsyncGenerator<readonly Followed[]> {
  const providers = new Map(deps.providers.map((provider) => [provider.id, provider]));
  let after = '';
  while (deps.hostClock.now() < context.deadline) {
    const index = await deps.state.list(LIVE_PREFIX, { limit: PAGE, after });
    if (index.length === 0) return;
    after = index.at(-1)?.key ?? '';
    const followed = await Promise.all(index.map((entry) => follow(deps, providers, entry, context)));
    yield followed.filter((one) => one !== null);
  }
}

async function follow(
  deps: WatchDeps,
  providers: ReadonlyMap<string, Provider>,
  index: StateEntry,
  context: CallContext,
): Promise<Followed | null> {
  const decisionId = index.key.slice(LIVE_PREFIX.length);
  const entry = await deps.state.get(deploymentKey(decisionId));
  const record = entry === null ? null : deploymentRecord.parse(entry.value);
  if (entry === null || record === null || record.state !== 'live') {
    // Ended by an earlier run that was killed before it cleared the index.
    await deps.state.remove(index.key, index.version);
    return null;
  }
  try {
    const status =
      (await providers.get(record.request.option.provider)?.status(record.instance_id ?? '', context)) ?? null;
    return {
      entry,
      index,
      record,
      observation: { ...observe(record, status, deps.worldClock.now()), unreachable: false },
    };
  } catch (error) {
    if (!(error instanceof AuroraError)) throw error;
    deps.log.warn(
      { decision_id: decisionId, provider: record.request.option.provider, error: error.message },
      'status unknown now; looked at again on the next run',
    );
    return { entry, index, record, observation: { outcomes: [], ready: false, ended: false, unreachable: true } };
  }
}

/** Publish first, then forget: a run killed in between publishes the same events again. */
async function settle(deps: WatchDeps, followed: readonly Followed[]): Promise<void> {
  const { bus, state, log } = deps;
  const outcomes = followed.flatMap((one) => one.observation.outcomes);
  if (outcomes.length > 0)
    await bus.publish(
      routingOutcome.topic,
      outcomes.map((outcome) => encodeEvent(routingOutcome, outcome)),
    );
  for (const outcome of outcomes) {
    log.info(
      {
        decision_id: outcome.decision_id,
        attempt: outcome.attempt,
        provider: outcome.provider,
        status: outcome.status,
        final: outcome.final,
      },
      'outcome',
    );
  }
  await Promise.all(
    followed.map(async ({ entry, index, record, observation }) => {
      if (observation.ended) {
        await state.swap(
          entry.key,
          entry.version,
          { ...record, state: 'ended', ready_published: true },
          { ttlMs: ENDED_TTL_MS },
        );
        await state.remove(liveKey(record.request.decision_id), index.version);
      } else if (observation.ready && !record.ready_published) {
        await state.swap(entry.key, entry.version, { ...record, ready_published: true });
      }
    }),
  );
}
