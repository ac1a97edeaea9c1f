import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { RejectedError } from '#shared/errors.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../command.ts';
import { takeLock } from '../stack/lock.ts';

/** Only a directory that carries this system's files is removed, so that a mistyped --dir costs nothing. */
const MARKS = ['world-clock.json', 'warehouse.duckdb', 'bus.sqlite', 'state.sqlite'];

export const resetCommand: Command = {
  name: 'reset',
  summary: 'delete the state directory: record, models, everything',
  usage: '--yes',
  options: { yes: { type: 'boolean', default: false } },
  help: { yes: 'really' },
  examples: ['vm reset --yes', 'vm reset --yes --dir /var/lib/aurora'],
  positionals: { min: 0, max: 0 },
  run: async ({ directory, json, print, values }) => {
    if (values['yes'] !== true)
      throw new RejectedError('usage', `this deletes all of ${directory}; say --yes, or vm backup first`);
    const existed = await exists(directory);
    if (existed) {
      if (!(await Promise.all(MARKS.map((mark) => exists(join(directory, mark))))).some(Boolean)) {
        throw new RejectedError(
          'usage',
          `${directory} does not look like a state directory (none of ${MARKS.join(', ')}); nothing was deleted`,
        );
      }
      await takeLock(directory, 'reset');
      await rm(directory, { recursive: true, force: true });
    }
    print(
      json
        ? JSON.stringify({ directory, deleted: existed })
        : existed
          ? `deleted ${directory}`
          : `${directory} was not there`,
    );
    return EXIT.ok;
  },
};

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
