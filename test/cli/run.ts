import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished, vi } from 'vitest';
import { main } from '#cli/main.ts';
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

/** A state directory in which nothing has happened yet. */
export async function emptyState(directory: string): Promise<void> {
  const header = join(await temporary(), 'header.csv');
  await writeFile(header, `${RECORD_COLUMNS.join(',')}\n`);
  await run('replay', header, '--dir', directory);
}
