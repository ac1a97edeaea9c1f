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
import type { BenchCase } from './bench-case.ts';
import { CASES } from './cases/index.ts';
import { makeWorld, type World } from './fixtures/world.ts';
import { describeMachine } from './machine.ts';
import { type CaseReport, markdown, table } from './report.ts';

const USAGE = `Speed and memory, each beside a baseline of the same run.

Usage: npm run bench -- [options]

  --only NAME,...  these cases alone; RESULTS.md then stays as it is
  --json           the figures as one JSON value on stdout
  --quick          a smoke run in seconds: shows that the cases work, measures nothing
  --help           this

Cases:
${CASES.map(({ name, title }) => `  ${name.padEnd(12)} ${title}`).join('\n')}

Examples:
  npm run bench
  npm run bench -- --only scoring,score-http
  npm run bench -- --only route --json
  npm run bench -- --quick
`;

const { values } = options();
if (values.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}
const usual = CASES.filter(({ onlyByName }) => values.quick || onlyByName !== true).map(({ name }) => name);
const names = values.only?.split(',') ?? usual;
const unknown = names.find((name) => !CASES.some((known) => known.name === name));
if (unknown !== undefined) {
  console.error(`no case ${unknown}; there are ${CASES.map(({ name }) => name).join(', ')}`);
  process.exit(2);
}

function options() {
  try {
    return parseArgs({
      options: {
        only: { type: 'string' },
        json: { type: 'boolean', default: false },
        quick: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    process.exit(2);
  }
}

const started = hostClock.now();
const root = await mkdtemp(join(tmpdir(), 'aurora-bench-'));
let made: Promise<World> | undefined;
const world = (): Promise<World> => (made ??= makeWorld(hostClock.now(), values.quick ? 200 : 3_000));
let failed = false;

async function runCase({ name, title, run }: BenchCase): Promise<CaseReport[]> {
  const directory = join(root, name);
  await mkdir(directory);
  const since = hostClock.now();
  try {
    const result = await run({ quick: values.quick, directory, hostClock, world });
    if (!values.json) console.log(table(title, result));
    console.error(`${name}: ${((hostClock.now() - since) / 1000).toFixed(1)} s`);
    return [{ name, title, result }];
  } catch (error) {
    failed = true;
    console.error(`${name} failed: ${error instanceof Error ? error.stack : String(error)}`);
    return [];
  }
}

const results: CaseReport[] = [];
try {
  const cases = CASES.filter(({ name }) => names.includes(name));
  // A smoke run measures nothing, so its cases may run side by side.
  if (values.quick) results.push(...(await Promise.all(cases.map(runCase))).flat());
  else for (const known of cases) results.push(...(await runCase(known)));
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
