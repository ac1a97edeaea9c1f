import { readdir, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { RejectedError } from '#shared/errors.ts';
import { MARKER } from '#shared/platform-layout.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../command.ts';
import { entriesOf, STATE_MARKS } from '../stack/state-directory.ts';
import { takeDirectory } from '../stack/turn.ts';

/** What the system writes into a state directory. Anything else there is somebody's own and stays. */
const OURS =
  /^(((world-clock|layout)\.json|warehouse\.duckdb|(bus|state|market)\.sqlite|aurora\.log|objects|stack\.json)([.-].*)?|kubeconfig)$/;

export const resetCommand: Command = {
  name: 'reset',
  summary: 'delete the state: record, models, everything',
  usage: '--yes',
  options: { yes: { type: 'boolean', default: false } },
  help: { yes: 'really' },
  notes: [
    'What runs at real providers runs on and is billed, and nobody here would know of it any more: end it first (vm terminate).',
  ],
  examples: ['vm reset --yes', 'vm reset --yes --dir /var/lib/aurora'],
  positionals: { min: 0, max: 0 },
  run: async ({ directory, json, print, note, values }) => {
    if (values['yes'] !== true)
      throw new RejectedError('usage', `this deletes all state in ${directory}; say --yes, or vm backup first`);
    const entries = await entriesOf(directory);
    if (entries !== null && !STATE_MARKS.some((mark) => entries.includes(mark)))
      throw new RejectedError(
        'usage',
        `${directory} does not look like a state directory (none of ${STATE_MARKS.join(', ')}); nothing was deleted`,
      );
    const kept = entries === null ? [] : await deleteState(directory, note);
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
async function deleteState(directory: string, note: (text: string) => void): Promise<readonly string[]> {
  await takeDirectory({ directory, command: 'reset', clock: hostClock, note });
  const kept: string[] = [];
  const entries = await readdir(directory);
  // The marker last: what a reset that was cut short leaves is refused, not taken for a beginning.
  for (const entry of entries.toSorted((a, b) => Number(a === MARKER) - Number(b === MARKER))) {
    if (OURS.test(entry)) await rm(join(directory, entry), { recursive: true, force: true });
    else kept.push(entry);
  }
  if (kept.length === 0) await rmdir(directory);
  return kept;
}
