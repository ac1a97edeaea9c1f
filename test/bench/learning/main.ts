/**
 * The bench of the learning: `npm run bench:learning -- [--full] [--quick] [--only kind,…] [--json]`.
 * Out: the report on stdout (with --json: the results), and in test/bench/LEARNING.md when every job has been measured.
 * Each result is kept in test/bench/.learning/ as soon as it is known, under the hash of the code it was measured on: a run
 * that was stopped goes on where it stood. Exit code 1 when a job fails, 130 when stopped; a missed aim is a figure like any other.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { screenOf } from '#cli/stack/screen.ts';
import { untilStopped } from '#cli/stack/stop-signal.ts';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { describeMachine } from '../machine.ts';
import { KIND_NAMES, nameOf, sourcesOf } from './jobs/index.ts';
import { NOTES } from './notes.ts';
import { jobsOf, type Scale } from './plan.ts';
import { createProgress } from './progress.ts';
import { learningReport } from './report/index.ts';
import { type Measured, openResults } from './results.ts';
import { measure, missing } from './run.ts';
import { sourcesHash } from './sources.ts';

const USAGE = `The learning against the rules, promises taken at their word, smoothed tables and an oracle.

Usage: npm run bench:learning -- [options]

  --full           5 worlds of each market instead of 2, and in one of each stage auto, the ablation and the variants of
                   the game (slow feedback, mild deviation, few decisions, an outage): under 2 hours on 2 cores instead of
                   under 20 minutes
  --only KIND,...  these jobs alone (${KIND_NAMES.join(', ')}); LEARNING.md then stays as it is
  --json           the results as one JSON value on stdout
  --quick          a smoke run in seconds: shows that the jobs work, measures nothing, keeps nothing
  --help           this

Stop it at any time: what was measured is kept, and the same command goes on from there.

Examples:
  npm run bench:learning
  npm run bench:learning -- --full
  npm run bench:learning -- --only outage,off-policy
`;
const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const LEARNING_MD = join(ROOT, 'test/bench/LEARNING.md');
const LINE_EVERY_MS = 250;
/** In a file or a pipe every line stays. */
const PLAIN_LINE_EVERY_MS = 15_000;
const STOPPED = 130;

const { values } = options();
if (values.help) {
  process.stdout.write(USAGE);
  process.exit(0);
}
const kinds: readonly string[] = values.only?.split(',') ?? KIND_NAMES;
const unknown = kinds.find((kind) => !KIND_NAMES.some((known) => known === kind));
if (unknown !== undefined) {
  console.error(`no jobs ${unknown}; there are ${KIND_NAMES.join(', ')}`);
  process.exit(2);
}
const scale: Scale = values.quick ? 'quick' : values.full ? 'full' : 'base';
const whole = values.only === undefined && scale !== 'quick';

function options() {
  try {
    return parseArgs({
      options: {
        full: { type: 'boolean', default: false },
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

async function run(directory: string, signal: AbortSignal): Promise<readonly Measured[]> {
  const hashes = new Map<string, string>();
  const results = openResults(join(directory, 'results.jsonl'), (job) => {
    const hash = hashes.get(job.kind) ?? sourcesHash(ROOT, sourcesOf(job));
    hashes.set(job.kind, hash);
    return hash;
  });
  const jobs = jobsOf(scale).filter(({ kind }) => kinds.includes(kind));
  const waiting = missing(jobs, results);
  const screen = screenOf(process.stderr);
  screen.note(`${jobs.length} jobs, ${jobs.length - waiting.length} of them measured before on this code`);
  const progress = createProgress(waiting);
  const startedMs = hostClock.now();
  const every = screen.inPlace ? LINE_EVERY_MS : PLAIN_LINE_EVERY_MS;
  let shownMs = startedMs;
  try {
    await measure(jobs, {
      results,
      clock: hostClock,
      signal,
      onTurn(job, share) {
        progress.turn(job, share);
        const nowMs = hostClock.now();
        if (nowMs - shownMs < every) return;
        shownMs = nowMs;
        screen.show(progress.line(nowMs - startedMs));
      },
      onDone: (job, seconds) => screen.note(`${nameOf(job)}: ${seconds.toFixed(1)} s`),
    });
  } finally {
    screen.settle();
  }
  // What a longer run, stopped or not, has measured on this code is told as well.
  const told = whole ? jobsOf('full') : jobs;
  return told.flatMap((job) => results.get(job) ?? []);
}

async function tell(all: readonly Measured[]): Promise<void> {
  const machine = await describeMachine();
  const commit = await commitName();
  const report = learningReport({
    all,
    command: `npm run bench:learning${values.full ? ' -- --full' : ''}`,
    machine,
    commit,
    date: new Date(hostClock.now()).toISOString().slice(0, 10),
    notes: NOTES,
  });
  console.log(values.json ? JSON.stringify({ machine, commit, scale, results: all }) : report);
  if (!whole) return;
  await writeFile(LEARNING_MD, report);
  console.error(`wrote ${LEARNING_MD}`);
}

/** Short, and whether files differ from it. */
async function commitName(): Promise<string> {
  const git = async (...words: string[]): Promise<string> =>
    (await promisify(execFile)('git', words, { cwd: ROOT })).stdout.trim();
  try {
    const [name, changes] = [await git('rev-parse', '--short', 'HEAD'), await git('status', '--porcelain', '-uno')];
    return changes === '' ? name : `${name} with changes`;
  } catch (error) {
    // A copy without its history, or a machine without git: the figures stand all the same.
    return `unknown (${(error as Error).message.split('\n')[0]})`;
  }
}

const stop = untilStopped();
const stopping = new AbortController();
void stop.stopped.then((signal) => stopping.abort(new Error(`stopped by ${signal}`)));
const temporary = scale === 'quick' ? await mkdtemp(join(tmpdir(), 'aurora-bench-learning-')) : null;
try {
  await tell(await run(temporary ?? join(ROOT, 'test/bench/.learning'), stopping.signal));
} catch (error) {
  if (stopping.signal.aborted) console.error('stopped; the same command goes on from here');
  else console.error(error instanceof Error ? error.stack : String(error));
  process.exitCode = stopping.signal.aborted ? STOPPED : 1;
} finally {
  stop.dispose();
  if (temporary !== null) await rm(temporary, { recursive: true });
}
