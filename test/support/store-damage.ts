import { copyFile, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { DatabaseSync } from 'node:sqlite';

/** Damages a SQLite file; `close` ends whoever has it open. */
type StoreDamage = (file: string, close: () => Promise<unknown>) => Promise<void>;

const PAGE = 4096;

const afterClose =
  (damage: (file: string) => Promise<void>): StoreDamage =>
  async (file, close) => {
    await close();
    await damage(file);
  };

/** As after a kill: what was committed last is in the log, which the file's owner had no time to fold in. */
const afterKill =
  (damage: (file: string) => Promise<void>): StoreDamage =>
  async (file, close) => {
    foldLog(file);
    for (const suffix of ['', '-wal']) await copyFile(`${file}${suffix}`, `${file}${suffix}.kept`);
    await close();
    for (const suffix of ['', '-wal']) await copyFile(`${file}${suffix}.kept`, `${file}${suffix}`);
    for (const suffix of ['', '-wal']) await rm(`${file}${suffix}.kept`);
    await damage(file);
  };

/** Folds the log into the file and begins it anew, so that the file alone holds what was written before. */
function foldLog(file: string): void {
  const database = new DatabaseSync(file);
  database.exec('PRAGMA wal_checkpoint(FULL); CREATE TABLE passing (x); DROP TABLE passing;');
  database.close();
}

async function fill(file: string, from: number, to: number): Promise<void> {
  const bytes = await readFile(file);
  await writeFile(file, bytes.fill(7, from, Math.min(to, bytes.length)));
}

/** What must be seen when a store is opened, by its looks. */
export const STORE_DAMAGES: readonly [string, StoreDamage][] = [
  ['a garbage header', afterClose((file) => fill(file, 0, 100))],
  ['garbage in its first page', afterClose((file) => fill(file, 100, PAGE))],
  ['garbage all over', afterClose((file) => fill(file, 0, Number.MAX_SAFE_INTEGER))],
  ['another kind of file', afterClose((file) => writeFile(file, 'step,tenant_id\r\n'.repeat(1_000)))],
  ['a few bytes', afterClose((file) => writeFile(file, 'hi'))],
  ['cut to half', afterClose(async (file) => truncate(file, (await stat(file)).size >> 1))],
  ['cut to its first page', afterClose((file) => truncate(file, PAGE))],
  ['cut within its header', afterClose((file) => truncate(file, 50))],
  ['emptied', afterClose((file) => truncate(file, 0))],
  ['cut to half after a kill', afterKill(async (file) => truncate(file, (await stat(file)).size >> 1))],
  ['emptied after a kill', afterKill((file) => truncate(file, 0))],
  ['lost after a kill, but for its log', afterKill((file) => rm(file))],
];
