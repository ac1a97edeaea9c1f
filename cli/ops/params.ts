import { z } from 'zod';

export const noParams = z.strictObject({});
/** What is no name of a version, the registry does not know. */
export const versionParam = z.strictObject({ version: z.string() });
export const idParam = z.strictObject({ id: z.string().min(1).max(256) });
export const aliasParam = z.enum(['champion', 'apprentice']).default('champion');
