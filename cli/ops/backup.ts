import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { operation } from './operation.ts';

/** Copies all state into an empty directory of this machine. */
export const backup = operation({
  name: 'backup',
  params: z.strictObject({ to: z.string().refine(isAbsolute, 'expected an absolute path') }),
  run: async ({ platform }, { to }): Promise<{ to: string }> => {
    await platform.backup(to);
    return { to };
  },
});
