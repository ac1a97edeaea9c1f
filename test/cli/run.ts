import { rmSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished, vi } from 'vitest';
import { main } from '#cli/main.ts';
import { withAccess } from '#cli/ops/access.ts';
import { type Status, status } from '#cli/ops/status.ts';
import { RECORD_COLUMNS } from '#cli/replay/record.ts';

export interface Answer {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs `vm` in this process, one at a time, and keeps what it says. */
export async function run(...words: readonly string[]): Promise<Answer> {
  const said = { out: '', err: '' };
  const keep = (stream: 'out' | 'err') => (text: string | Uint8Array) => {
    said[stream] += String(text);
    return true;
  };
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation(keep('out')),
    vi.spyOn(process.stderr, 'write').mockImplementation(keep('err')),
  ];
  try {
    return { code: await main(words), ...said };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}

/** The one JSON value that `--json` promises on stdout, however it ends. */
export async function runJson<T = Record<string, unknown>>(
  ...words: readonly string[]
): Promise<{ code: number; value: T }> {
  const { code, out } = await run(...words, '--json');
  return { code, value: JSON.parse(out) as T };
}

/** A directory that is gone after the test. */
export async function temporary(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'aurora-cli-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

const SAMPLE = join(import.meta.dirname, '..', 'fixtures', 'record');

/** The words that replay the sample with all that is known of it; 78 lines, 75 of them accepted. */
export const SAMPLE_WORDS: readonly string[] = [
  'replay',
  join(SAMPLE, 'decisions.csv'),
  '--providers',
  join(SAMPLE, 'providers.json'),
  '--tenants',
  join(SAMPLE, 'tenants.json'),
  '--metrics',
  join(SAMPLE, 'metrics.csv'),
];
export const SAMPLE_CSV: string = join(SAMPLE, 'decisions.csv');

export const FEW = 5;

/** A file with the first rows of the sample, all accepted and ended. */
export async function aFewRows(directory: string): Promise<string> {
  const path = join(directory, 'few.csv');
  const [header = '', ...rows] = (await readFile(SAMPLE_CSV, 'utf8')).trimEnd().split('\r\n');
  await writeFile(path, [header, ...rows.slice(0, FEW)].join('\n'));
  return path;
}

const LOOK_EVERY_MS = 50;

/**
 * The counters of a state directory as soon as they are so, with one stack at work meanwhile: a command ends before all that it
 * brought in has been learnt.
 */
export const untilStatus = (directory: string, holds: (now: Status) => boolean): Promise<Status> =>
  withAccess(directory, 'test', async (access) => {
    for (;;) {
      const now = await access.call(status, {});
      if (holds(now)) return now;
      await sleep(LOOK_EVERY_MS);
    }
  });

export const untilQuiet = (directory: string): Promise<Status> =>
  untilStatus(directory, ({ backlog }) => backlog === 0);

let empty: Promise<string> | undefined;

/** A state directory in which nothing has happened yet: made once in a worker, then copied. */
export async function emptyState(directory: string): Promise<void> {
  empty ??= makeEmptyState();
  await cp(await empty, directory, { recursive: true });
}

async function makeEmptyState(): Promise<string> {
  const base = await mkdtemp(join(tmpdir(), 'aurora-empty-'));
  process.once('exit', () => rmSync(base, { recursive: true, force: true }));
  const [header, state] = [join(base, 'header.csv'), join(base, 'state')];
  await writeFile(header, `${RECORD_COLUMNS.join(',')}\n`);
  const { code, err } = await run('replay', header, '--dir', state);
  if (code !== 0) throw new Error(err);
  return state;
}
