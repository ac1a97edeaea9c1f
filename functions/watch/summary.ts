/** `deployments/summary.json` and what it is made of: who is active where, and how well the newest ended deployments did. */
import { REWARD_WINDOW } from '#shared/defaults.ts';
import type { Outcome } from '#shared/domain/outcome.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { DEPLOYMENTS_OBJECT, type DeploymentsSummary, deploymentsSummary } from '#shared/domain/provider-report.ts';
import { realisedUtility, runResultOf } from '#shared/domain/utility.ts';
import type { WorldClock } from '#shared/ports/clock.ts';
import type { Log } from '#shared/ports/log.ts';
import type { Objects } from '#shared/ports/objects.ts';
import { isPreconditionFailed } from '#shared/registry/object-json.ts';
import { parseJson } from '#shared/runtime/parse-json.ts';
import { lastWritten } from '#shared/serving/last-written.ts';

export interface SummaryKeeper {
  /** What is censored says nothing. */
  ended(outcome: Outcome): void;
  /** Writes when something has changed since the last time. Never throws: the next run tries again. */
  write(active: ReadonlyMap<string, number>): Promise<void>;
  reward(): DeploymentsSummary['reward'];
}

type SummaryDeps = { readonly objects: Objects; readonly worldClock: WorldClock; readonly log: Log };

export function summaryKeeper({ objects, worldClock, log }: SummaryDeps): SummaryKeeper {
  /** The newest last. */
  let utilities: readonly number[] = [];
  let begun = false;
  /** Null: not known. */
  let stored: { readonly generation: string; readonly text: string } | null = null;

  const reward = (): DeploymentsSummary['reward'] =>
    utilities.length === 0
      ? null
      : { mean: utilities.reduce((sum, one) => sum + one, 0) / utilities.length, deployments: utilities.length };

  const read = async (): Promise<NonNullable<typeof stored>> => {
    const { value, generation } = await lastWritten(objects, DEPLOYMENTS_OBJECT, (bytes) =>
      parseJson(bytes, deploymentsSummary),
    );
    // It goes on where the last process stopped: what that mean stood on counts as so many deployments of just this utility.
    const { mean = 0, deployments = 0 } = value?.reward ?? {};
    if (!begun) utilities = [...Array.from({ length: Math.min(REWARD_WINDOW, deployments) }, () => mean), ...utilities];
    utilities = utilities.slice(-REWARD_WINDOW);
    begun = true;
    return { generation, text: value === null ? '' : textOf(value) };
  };

  return {
    reward,
    ended(outcome) {
      const run = runResultOf(outcome);
      if (run !== null) utilities = [...utilities, realisedUtility(outcome.request, run)].slice(-REWARD_WINDOW);
    },
    async write(counts) {
      try {
        stored ??= await read();
        const active = Object.fromEntries([...counts].toSorted(([a], [b]) => (a < b ? -1 : 1)));
        const summary = { observed_at: rfc3339(worldClock.now()), active, reward: reward() };
        const text = textOf(summary);
        if (text === stored.text) return;
        const bytes = new TextEncoder().encode(JSON.stringify(summary));
        const { generation } = await objects.write(DEPLOYMENTS_OBJECT, bytes, { generationMatch: stored.generation });
        stored = { generation, text };
      } catch (error) {
        stored = null;
        // Another instance has written: its summary is as good.
        if (!isPreconditionFailed(error)) log.warn({ error }, 'summary of deployments is not written now');
      }
    },
  };
}

const textOf = ({ active, reward }: DeploymentsSummary): string => JSON.stringify([active, reward]);
