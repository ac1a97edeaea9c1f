import { z } from 'zod';

export const noParams = z.strictObject({});
export const versionParam = z.strictObject({ version: z.string().min(1).max(64) });
export const idParam = z.strictObject({ id: z.string().min(1).max(256) });
export const aliasParam = z.enum(['champion', 'apprentice']).default('champion');
