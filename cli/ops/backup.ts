import { isAbsolute } from 'node:path';
import { z } from 'zod';
import type { NotCopied } from '#shared/platform-backup.ts';
import { localOperation } from './operation.ts';

interface Backup {
  readonly to: string;
  /** Damaged objects, which the copy does not have. */
  readonly not_copied: readonly NotCopied[];
}

/** Copies all state into an empty directory of this machine. */
export const backup = localOperation({
  name: 'backup',
  params: z.strictObject({ to: z.string().refine(isAbsolute, 'expected an absolute path') }),
  run: async ({ platform }, { to }): Promise<Backup> => ({ to, not_copied: await platform.backup(to) }),
});
