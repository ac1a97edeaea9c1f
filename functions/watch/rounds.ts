/**
 * The rounds of all providers, each at its own pace. States of a provider: idle -> under way -> idle; in a turn the idle ones
 * begin, and whoever waits for the turn does so until all have ended, or its patience is over: then the slow ones go on by
 * themselves, and the next turn finds them under way.
 */
import { WATCH_ROUND_MS } from '#shared/defaults.ts';
import { codedError } from '#shared/runtime/answers.ts';
import type { WatchDeps } from './deps.ts';
import type { OrphanDeps } from './orphans.ts';
import { createRound, type RoundInput, type RoundReport } from './round.ts';
import type { SettleTools } from './settle.ts';

export interface Rounds {
  /** Reports of those that have ended. @throws what failed in one of them, when all have ended or patience is over */
  turn(inputOf: (provider: string) => RoundInput, patienceMs: number): Promise<ReadonlyMap<string, RoundReport>>;
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>;
}

type End = { readonly report: RoundReport } | { readonly error: unknown };

export function roundsOf(deps: WatchDeps & SettleTools & OrphanDeps): Rounds {
  const { hostClock, log } = deps;
  const stopping = new AbortController();
  const providers = deps.providers.map((provider) => ({ id: provider.id, round: createRound(provider, deps) }));
  const underWay = new Map<string, Promise<End>>();

  const begin = async (id: string, run: () => Promise<RoundReport>): Promise<End> => {
    try {
      return { report: await run() };
    } catch (error) {
      const { code, message } = codedError(error);
      log.warn(
        { provider: id, code, error: message },
        'a look at this provider failed; the next one goes on from there',
      );
      return { error };
    } finally {
      underWay.delete(id);
    }
  };

  return {
    async turn(inputOf, patienceMs) {
      const ends = new Map<string, End>();
      const waits = providers.map(async ({ id, round }) => {
        const context = { deadline: hostClock.now() + WATCH_ROUND_MS, signal: stopping.signal };
        const going = underWay.get(id) ?? begin(id, () => round(inputOf(id), context));
        if (!underWay.has(id)) underWay.set(id, going);
        ends.set(id, await going);
      });
      const patience = Promise.withResolvers<void>();
      const cancel = hostClock.after(patienceMs, patience.resolve);
      await Promise.race([Promise.all(waits), patience.promise]);
      cancel();
      const reports = new Map<string, RoundReport>();
      for (const [id, end] of ends) {
        if ('error' in end) throw end.error;
        reports.set(id, end.report);
      }
      return reports;
    },
    async stop() {
      stopping.abort(new Error('watch is shutting down'));
      await Promise.all(underWay.values());
    },
  };
}
