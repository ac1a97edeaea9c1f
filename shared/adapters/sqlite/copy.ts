import { DatabaseSync } from 'node:sqlite';
import { TransientError } from '#shared/errors.ts';
import { isDiskFull, namingFullDisk, refusingCorrupt } from './open.ts';

const BUSY_TIMEOUT_MS = 5_000;

/**
 * A consistent copy in a new file, while others write: one read transaction of its own.
 * @throws RejectedError store_corrupt, of the original @throws TransientError disk_full, of the copy
 */
export function copyDatabase(from: string, to: string): void {
  try {
    namingFullDisk(to, () => refusingCorrupt(from, () => vacuumInto(from, to)));
  } catch (error) {
    if (!isDiskFull(error)) throw error;
    throw new TransientError('disk_full', `${to}: no space left on the device`, { cause: error });
  }
}

function vacuumInto(from: string, to: string): void {
  const database = new DatabaseSync(from, { timeout: BUSY_TIMEOUT_MS });
  try {
    database.prepare('VACUUM INTO ?').run(to);
  } finally {
    database.close();
  }
}
