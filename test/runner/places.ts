/** What a run needs of its machine: temporary files in memory where there is room, compiled code where the next run finds it, less collecting in Go. */
import { accessSync, constants, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';

const MEMORY = '/dev/shm';
/** A run holds a tenth of it at its fullest. */
const ROOM_BYTES = 2 ** 30;
const COMPILED = join(import.meta.dirname, '..', '..', 'node_modules', '.cache', 'compiled');

/** Before the first worker starts: all of them, and their children, inherit it. */
export function setup(): (() => void) | undefined {
  // A child process starts in half of the CPU time; threads inherit it.
  process.env['NODE_COMPILE_CACHE'] ??= COMPILED;
  // terraform and esbuild live for seconds: collecting what ends with them took a fifth of esbuild's CPU.
  process.env['GOGC'] ??= '400';
  if (process.env['TMPDIR'] !== undefined || !hasRoom()) return;
  // What the tests kill is processes, never the machine: no test can tell what a disk would have kept.
  const directory = mkdtempSync(join(MEMORY, 'aurora-tests-'));
  process.env['TMPDIR'] = directory;
  return () => rmSync(directory, { recursive: true, force: true });
}

function hasRoom(): boolean {
  try {
    accessSync(MEMORY, constants.W_OK);
    const { bavail, bsize } = statfsSync(MEMORY);
    return bavail * bsize >= ROOM_BYTES;
  } catch {
    return false;
  }
}
