import { WATCH_PATIENCE_MS, WATCH_ROUND_MS } from '#shared/defaults.ts';
import { closeTogether } from '#shared/runtime/closing.ts';
import { httpFunction, json } from '#shared/runtime/http-function.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import type { WatchDeps } from './deps.ts';
import { doubtReader, type OpenDoubt, settleDoubt } from './doubts.ts';
import { type Live, liveReader } from './live.ts';
import { watchMetrics } from './metrics.ts';
import { roundsOf } from './rounds.ts';
import { summaryKeeper } from './summary.ts';

/** A run: reading what lives, and the longest round. */
const RUN_MS = WATCH_ROUND_MS + 3_000;

interface WatchReport {
  readonly live: number;
  readonly ready: number;
  readonly ended: number;
  readonly unreachable: number;
  /** False: time ran out, or a provider is slow; the next run goes on from there. */
  readonly complete: boolean;
}

export function createWatch(deps: WatchDeps): FunctionApp {
  const metrics = watchMetrics(deps.metrics);
  const summary = summaryKeeper(deps);
  const readLive = liveReader(deps);
  const readDoubts = doubtReader(deps);
  const rounds = roundsOf({
    ...deps,
    orphans: metrics.orphans,
    onEnded(outcome) {
      metrics.outcomes.with({ provider: outcome.provider, status: outcome.status }).add();
      summary.ended(outcome);
    },
  });
  const known = new Set(deps.providers.map(({ id }) => id));

  const run = async (deadline: number): Promise<WatchReport> => {
    const { live, complete: all } = await readLive(deadline);
    const byProvider = Map.groupBy(live, ({ record }) => record.request.option.provider);
    const doubts = Map.groupBy(await readDoubts(), ({ provider }) => provider);
    await lookAtStrangers(deps, known, byProvider, doubts);
    const reports = await rounds.turn(
      (provider) => ({ live: byProvider.get(provider) ?? [], doubts: doubts.get(provider) ?? [] }),
      deps.patienceMs ?? WATCH_PATIENCE_MS,
    );
    // A round that began in an earlier turn may have ended some before this one read what lives.
    const ended = new Set([...reports.values()].flatMap((round) => round.ended));
    const livesOn = ({ index }: Live): boolean => !ended.has(index.key);
    const active = new Map([...known].map((id) => [id, byProvider.get(id)?.filter(livesOn).length ?? 0]));
    const report = {
      live: live.filter(livesOn).length,
      ready: 0,
      ended: 0,
      unreachable: unknownOf(known, byProvider),
      complete: all,
    };
    for (const round of reports.values()) {
      report.ready += round.ready;
      report.ended += round.ended.length;
      report.unreachable += round.unreachable;
      report.complete &&= round.complete;
    }
    report.complete &&= reports.size === known.size;
    // A part of them is no count of them.
    if (all) {
      for (const [provider, count] of active) metrics.active(provider, count);
      await summary.write(active);
      metrics.reward(summary.reward()?.mean ?? null);
    }
    return report;
  };

  return httpFunction({
    name: 'watch',
    deps,
    deadlineMs: RUN_MS,
    routes: [{ method: 'POST', path: '/run', handle: async ({ deadline }) => json(200, await run(deadline)) }],
    stop: async () => {
      await rounds.stop();
      await closeTogether(deps.providers.map((provider) => () => provider.close()));
    },
  });
}

/** Deployments and doubts of providers for which there is no adapter any more: nobody can be asked, and that is said. */
async function lookAtStrangers(
  deps: WatchDeps,
  known: ReadonlySet<string>,
  live: ReadonlyMap<string, readonly Live[]>,
  doubts: ReadonlyMap<string, readonly OpenDoubt[]>,
): Promise<void> {
  for (const [provider, ones] of live)
    if (!known.has(provider))
      deps.log.warn({ provider, deployments: ones.length, code: 'provider_unknown' }, 'no adapter for this provider');
  const context = { deadline: deps.hostClock.now() };
  for (const [provider, open] of doubts)
    if (!known.has(provider))
      for (const one of open) await settleDoubt(deps, one, { provider: null, listing: null, context });
}

const unknownOf = (known: ReadonlySet<string>, live: ReadonlyMap<string, readonly Live[]>): number =>
  [...live].reduce((sum, [provider, ones]) => (known.has(provider) ? sum : sum + ones.length), 0);
