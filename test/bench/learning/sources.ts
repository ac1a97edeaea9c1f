/** A hash of the code that a result depends on: when the learner changes, what was measured of it counts no more. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** What every job runs through. */
const COMMON = [
  'shared/learning',
  'shared/rules',
  'shared/domain',
  'shared/defaults.ts',
  'sim',
  'cli/wargame',
  'test/bench/learning/jobs',
] as const;

/** @param more files and folders besides COMMON. @param root the project's directory */
export function sourcesHash(root: string, more: readonly string[]): string {
  const hash = createHash('sha256');
  for (const file of [...COMMON, ...more].flatMap((path) => filesAt(root, path)).sort())
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(root, file)))
      .update('\0');
  return hash.digest('hex').slice(0, 16);
}

/** Code and specs; manuals change nothing. */
const filesAt = (root: string, path: string): readonly string[] =>
  statSync(join(root, path)).isFile()
    ? [path]
    : readdirSync(join(root, path), { recursive: true, encoding: 'utf8' })
        .filter((file) => /\.(ts|json)$/.test(file))
        .map((file) => join(path, file));
