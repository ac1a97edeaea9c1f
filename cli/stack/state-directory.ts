import { readdir } from 'node:fs/promises';
import { RejectedError } from '#shared/errors.ts';

/** One of these at least marks a state directory, so that a mistyped --dir is neither read as an empty one nor deleted. */
export const STATE_MARKS: readonly string[] = [
  'layout.json',
  'world-clock.json',
  'warehouse.duckdb',
  'bus.sqlite',
  'state.sqlite',
];

/** Null when there is no such directory. */
export async function entriesOf(directory: string): Promise<readonly string[] | null> {
  try {
    return await readdir(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

/** @throws RejectedError no_state where no stack has ever kept any */
export async function requireState(directory: string): Promise<void> {
  const entries = await entriesOf(directory);
  if (entries?.some((entry) => STATE_MARKS.includes(entry)) !== true)
    throw new RejectedError('no_state', `no state in ${directory}`);
}
