import { readFile, rename, writeFile } from 'node:fs/promises';
import { z } from 'zod';

const saved = z.strictObject({ world_ms: z.number(), host_ms: z.number(), speed: z.number().gt(0) });

/**
 * Where world time stood. A restart resumes from there, ahead by what at most may have passed since the last save, so that
 * world time never goes backwards; while the stack is down the world stands still.
 */
export async function loadWorldOrigin(file: string, hostNowMs: number, saveEveryMs: number): Promise<number | null> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  const { world_ms, host_ms, speed } = saved.parse(JSON.parse(text));
  const elapsed = Math.min(Math.max(0, hostNowMs - host_ms), 2 * saveEveryMs);
  return world_ms + elapsed * speed;
}

/** Atomic: a reader sees the old file or the new one. */
export async function saveWorldOrigin(file: string, origin: z.infer<typeof saved>): Promise<void> {
  const temporary = `${file}.tmp`;
  await writeFile(temporary, JSON.stringify(origin));
  await rename(temporary, file);
}
