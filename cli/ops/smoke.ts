import { z } from 'zod';
import { RejectedError } from '#shared/errors.ts';
import { type RunReport, runSuite } from '#shared/probes/run.ts';
import { chosen } from '../smoke/choose.ts';
import { localOperation } from './operation.ts';

/** Looks now, beside the runs of the clock; nothing is recorded, and nobody is woken by it. */
export const runSmoke = localOperation({
  name: 'smoke.run',
  params: z.strictObject({ only: z.array(z.string()).min(1).readonly().nullable() }),
  run: async ({ probes, platform }, { only }): Promise<{ readonly report: RunReport; readonly periodMs: number }> => {
    if (probes === null)
      throw new RejectedError('no_state', 'no stack runs here that could be looked at: start one with vm up');
    const { suite, toolbox } = probes;
    const report = await runSuite({
      suite,
      tools: toolbox.tools(),
      runId: `${suite.id}-by-hand-${platform.hostClock.now()}`,
      signal: new AbortController().signal,
      only: chosen(suite, only),
    });
    return { report, periodMs: suite.periodMs };
  },
});
