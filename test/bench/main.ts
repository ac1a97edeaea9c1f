/**
 * The bench: `npm run bench -- [--only name,…] [--json] [--quick]`.
 * Out: a table on stdout (with --json: the figures), and test/bench/RESULTS.md when every case ran in full. Exit code 1 when a case fails;
 * a missed aim is a figure like any other.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { hostClock } from '#shared/adapters/clock/host.ts';
import type { CaseResult } from './bench-case.ts';
import { CASES } from './cases/index.ts';
import { makeWorld, type World } from './fixtures/world.ts';
import { describeMachine } from './machine.ts';
import { markdown, table } from './report.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
  },
});
const names = values.only?.split(',') ?? CASES.map(({ name }) => name);
const unknown = names.find((name) => !CASES.some((known) => known.name === name));
if (unknown !== undefined) {
  console.error(`no case ${unknown}; there are ${CASES.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}

const started = hostClock.now();
const root = await mkdtemp(join(tmpdir(), 'aurora-bench-'));
let made: Promise<World> | undefined;
const world = (): Promise<World> => (made ??= makeWorld(hostClock.now()));
const results: { name: string; title: string; result: CaseResult }[] = [];
let failed = false;
try {
  for (const { name, title, run } of CASES.filter((known) => names.includes(known.name))) {
    const directory = join(root, name);
    await mkdir(directory);
    const since = hostClock.now();
    try {
      const result = await run({ quick: values.quick, directory, hostClock, world });
      results.push({ name, title, result });
      if (!values.json) console.log(table(title, result));
    } catch (error) {
      failed = true;
      console.error(`${name} failed: ${error instanceof Error ? error.stack : String(error)}`);
    }
    await rm(directory, { recursive: true });
    console.error(`${name}: ${((hostClock.now() - since) / 1000).toFixed(1)} s`);
  }
} finally {
  await rm(root, { recursive: true });
}
const machine = await describeMachine();
const seconds = (hostClock.now() - started) / 1000;
if (values.json) console.log(JSON.stringify({ machine, seconds, quick: values.quick, cases: results }));
if (!failed && !values.quick && values.only === undefined) {
  const file = fileURLToPath(new URL('RESULTS.md', import.meta.url));
  await writeFile(
    file,
    markdown({ machine, seconds, date: new Date(started).toISOString().slice(0, 10), cases: results }),
  );
  console.error(`wrote ${file}`);
}
process.exitCode = failed ? 1 : 0;
