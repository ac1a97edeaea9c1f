import { readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { RejectedError } from '#shared/errors.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../command.ts';
import { takeLock } from '../stack/lock.ts';

/** What the system writes into a state directory. Anything else there is somebody's own and stays. */
const OURS =
  /^(world-clock\.json|(warehouse\.duckdb|(bus|state|market)\.sqlite|aurora\.log|objects|stack\.json)([.-].*)?)$/;
/** One of these at least marks a state directory, so that a mistyped --dir costs nothing. */
const MARKS = ['world-clock.json', 'warehouse.duckdb', 'bus.sqlite', 'state.sqlite'];

export const resetCommand: Command = {
  name: 'reset',
  summary: 'delete the state: record, models, everything',
  usage: '--yes',
  options: { yes: { type: 'boolean', default: false } },
  help: { yes: 'really' },
  examples: ['vm reset --yes', 'vm reset --yes --dir /var/lib/aurora'],
  positionals: { min: 0, max: 0 },
  run: async ({ directory, json, print, values }) => {
    if (values['yes'] !== true)
      throw new RejectedError('usage', `this deletes all state in ${directory}; say --yes, or vm backup first`);
    const entries = await entriesOf(directory);
    if (entries !== null && !MARKS.some((mark) => entries.includes(mark)))
      throw new RejectedError(
        'usage',
        `${directory} does not look like a state directory (none of ${MARKS.join(', ')}); nothing was deleted`,
      );
    const kept = entries === null ? [] : await deleteState(directory);
    print(
      json
        ? JSON.stringify({ directory, deleted: entries !== null, kept })
        : entries === null
          ? `${directory} was not there`
          : `deleted the state in ${directory}${kept.length === 0 ? '' : `; not ours and kept: ${kept.join(', ')}`}`,
    );
    return EXIT.ok;
  },
};

/** Answers what was not ours to delete. */
async function deleteState(directory: string): Promise<readonly string[]> {
  await takeLock(directory, 'reset');
  const kept: string[] = [];
  for (const entry of await readdir(directory)) {
    if (OURS.test(entry)) await rm(join(directory, entry), { recursive: true, force: true });
    else kept.push(entry);
  }
  if (kept.length === 0) await rmdir(directory);
  return kept;
}

/** Null when there is no such directory. */
async function entriesOf(directory: string): Promise<readonly string[] | null> {
  try {
    return await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}
