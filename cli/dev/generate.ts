/**
 * Writes every generated file; with --check writes nothing, names those that are stale and exits 1.
 *   node cli/dev/generate.ts [--check]
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generatedFiles, SCHEMAS_DIRECTORY } from './generated-files.ts';

const ROOT = join(dirname(fileURLToPath(import.meta.url)), '../..');

/** A file that differs from what the code says; `content` null = it should not be there. */
interface Stale {
  readonly path: string;
  readonly content: string | null;
}

async function staleFiles(root: string): Promise<readonly Stale[]> {
  const wanted = generatedFiles();
  const stale: Stale[] = [];
  for (const [path, content] of wanted)
    if ((await contentOf(join(root, path))) !== content) stale.push({ path, content });
  for (const name of await namesIn(join(root, SCHEMAS_DIRECTORY))) {
    const path = `${SCHEMAS_DIRECTORY}/${name}`;
    if (!wanted.has(path)) stale.push({ path, content: null });
  }
  return stale;
}

async function write(root: string, { path, content }: Stale): Promise<void> {
  const file = join(root, path);
  if (content === null) return await rm(file);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
}

const contentOf = (file: string): Promise<string | null> => unlessMissing(readFile(file, 'utf8'), null);
const namesIn = (directory: string): Promise<string[]> => unlessMissing(readdir(directory), []);

async function unlessMissing<T>(reading: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return otherwise;
    throw error;
  }
}

const [flag, ...rest] = process.argv.slice(2);
if (rest.length > 0 || (flag !== undefined && flag !== '--check')) {
  console.error(`expected nothing or --check, got ${process.argv.slice(2).join(' ')}`);
  process.exitCode = 2;
} else {
  const check = flag === '--check';
  const stale = await staleFiles(ROOT);
  for (const file of stale) {
    if (!check) await write(ROOT, file);
    const state = file.content === null ? 'not generated any more' : check ? 'stale' : 'written';
    console.log(`${file.path}: ${state}`);
  }
  if (check && stale.length > 0) {
    console.error('Run: npm run generate');
    process.exitCode = 1;
  }
}
