import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { RejectedError } from '#shared/errors.ts';
import { replaceFile } from '../files/whole-file.ts';

/** Epoch milliseconds that a date can carry. */
const instant = z.number().min(0).max(8.64e15);
const saved = z.strictObject({ world_ms: instant, host_ms: instant, speed: z.number().gt(0) });

/** A busy disk may hold a save up; so many intervals may lie between the last one and a kill. */
const SAVES_LATE = 5;

/**
 * Where world time stood; null: nobody has saved it yet. A restart resumes from there, ahead by what at most may have passed
 * since the last save, so that world time never goes backwards; while the stack is down the world stands still.
 * @throws RejectedError store_corrupt: begun anew at the present, a world that ran fast would go backwards under its own record
 */
export async function loadWorldOrigin(file: string, hostNowMs: number, saveEveryMs: number): Promise<number | null> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw corrupt(file, (error as Error).message, error);
  }
  const { world_ms, host_ms, speed } = parse(file, text);
  const elapsed = Math.min(Math.max(0, hostNowMs - host_ms), SAVES_LATE * saveEveryMs);
  return world_ms + elapsed * speed;
}

/** Resolves when the disk has it. */
export const saveWorldOrigin = (file: string, origin: z.infer<typeof saved>): Promise<void> =>
  replaceFile(file, JSON.stringify(origin));

function parse(file: string, text: string): z.infer<typeof saved> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw corrupt(file, text === '' ? 'it is empty' : (error as Error).message, error);
  }
  const parsed = saved.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw corrupt(file, `${issue?.path.join('.') || 'the whole'}: ${issue?.message}`, parsed.error);
}

const corrupt = (file: string, why: string, cause: unknown): RejectedError =>
  new RejectedError('store_corrupt', `${file} does not say where world time stood: ${why}`, { cause });
