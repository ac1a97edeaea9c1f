import { setTimeout as sleep } from 'node:timers/promises';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { TransientError } from '#shared/errors.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../command.ts';
import { withAccess } from '../ops/access.ts';
import { requestTraining, trainingResult } from '../ops/training.ts';
import { numberOption } from './options.ts';

const POLL_MS = 250;
const LIMIT_MS = 15 * 60_000;

export const trainCommand: Command = {
  name: 'train',
  summary: 'train a version on the record now, and have it judged',
  usage: '[options]',
  options: { seed: { type: 'string', default: '1' } },
  help: { seed: 'of initial weights and order of rows (default 1)' },
  takes: { seed: 'N' },
  examples: ['vm train', 'vm train --seed 7 --json'],
  positionals: { min: 0, max: 0 },
  run: async ({ directory, json, print, note, values }) => {
    const seed = numberOption(values, 'seed', { min: 0, max: 2 ** 31, whole: true });
    const { report, verdict } = await withAccess(directory, 'train', async (access) => {
      const { id } = await access.call(requestTraining, { requested_by: 'vm', force: true, seed });
      note('training on the record ...');
      const giveUpAt = hostClock.now() + LIMIT_MS;
      for (;;) {
        const result = await access.call(trainingResult, { id });
        if (result.report !== null && (result.report.version === null || result.verdict !== null)) return result;
        if (hostClock.now() > giveUpAt)
          throw new TransientError(
            'deadline_exceeded',
            `no verdict within ${LIMIT_MS / 60_000} minutes; see vm models list`,
          );
        await sleep(POLL_MS);
      }
    });
    if (json) print(JSON.stringify({ report, verdict }));
    else if (report?.version == null) print(`not trained: ${report?.reason ?? 'unknown'}`);
    else {
      print(
        `${report.result === 'known' ? 'this record was trained on before' : `trained on ${report.rows} attempts`}: ${report.version}`,
      );
      print(`verdict: ${verdict?.verdict}\n${(verdict?.reasons ?? []).map((reason) => `  - ${reason}`).join('\n')}`);
    }
    return report?.version == null ? EXIT.failed : EXIT.ok;
  },
};
