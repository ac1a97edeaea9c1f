import { readdir, readFile, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

type Change = (bytes: Uint8Array) => Uint8Array | null;

/** What disks and people do to a file. */
export const DAMAGES: readonly [string, Change][] = [
  ['flipped by a bit', (bytes) => bytes.with(bytes.length >> 1, (bytes[bytes.length >> 1] ?? 0) ^ 4)],
  ['truncated', (bytes) => bytes.slice(0, -1)],
  ['lengthened', (bytes) => Uint8Array.of(...bytes, 0)],
  ['missing', () => null],
];

/** Changes the content file of an object of the file-system store behind its back; null deletes it. */
export async function damageObject(directory: string, name: string, change: Change): Promise<void> {
  const found = (await readdir(directory, { recursive: true })).filter((path) => path.startsWith(`${name}@`));
  const [path, ...others] = found;
  if (path === undefined || others.length > 0) throw new Error(`${found.length} content files of ${name}`);
  const file = join(directory, path);
  const damaged = change(new Uint8Array(await readFile(file)));
  if (damaged === null) await unlink(file);
  else await writeFile(file, damaged);
}
