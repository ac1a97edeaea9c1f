/** A server in a process of its own: started, asked what it costs, ended. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface ServerProcess {
  readonly pid: number;
  readonly url: string;
  /** The line in which it said that it serves. */
  readonly announced: Readonly<Record<string, unknown>>;
  /** CPU microseconds of all its threads so far, in steps of 10 ms; null where /proc does not tell. */
  cpuUs(): number | null;
  /** Resident bytes now, and the most there ever were; null where /proc does not tell. */
  memory(): { readonly resident: number; readonly peak: number } | null;
  stop(): Promise<void>;
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
/** Linux counts CPU time in hundredths of a second. */
const TICK_US = 10_000;
const START_LIMIT_MS = 60_000;

/**
 * Runs a script, by its path in the project or a whole one, until it prints a JSON line with a `url` (or the field named).
 * @throws Error with its stderr when it ends before, or says nothing for a minute
 */
export async function startServer(
  script: string,
  options: {
    readonly args?: readonly string[];
    readonly env?: Readonly<Record<string, string>>;
    readonly nodeArgs?: readonly string[];
    readonly urlField?: string;
  } = {},
): Promise<ServerProcess> {
  const { args = [], env = {}, nodeArgs = [], urlField = 'url' } = options;
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', ...nodeArgs, resolve(ROOT, script), ...args],
    { cwd: ROOT, env: { ...withoutAurora(), ...env }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let problems = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    problems = `${problems}${text}`.slice(-4_000);
  });
  const announced = await new Promise<Record<string, unknown>>((found, reject) => {
    const timer = setTimeout(() => reject(new Error(`${script} said nothing: ${problems}`)), START_LIMIT_MS);
    const fail = (): void => reject(new Error(`${script} ended before it served: ${problems}`));
    child.once('exit', fail);
    const lines = createInterface({ input: child.stdout }).on('line', (line) => {
      const said = line.startsWith('{') ? (JSON.parse(line) as Record<string, unknown>) : {};
      if (typeof said[urlField] !== 'string') return;
      clearTimeout(timer);
      child.off('exit', fail);
      lines.close();
      // Goes on reading, so that its log never blocks it.
      child.stdout.resume();
      found(said);
    });
  }).catch(async (error: unknown) => {
    await end(child);
    throw error;
  });
  const pid = child.pid ?? 0;
  return {
    pid,
    url: String(announced[urlField]),
    announced,
    cpuUs: () => {
      // Past the command's name, which may hold spaces: fields 14 and 15 of proc(5), counted from the third.
      const fields = proc(pid, 'stat')?.split(') ').at(-1)?.split(' ');
      return fields === undefined ? null : (Number(fields[11]) + Number(fields[12])) * TICK_US;
    },
    memory: () => {
      const status = proc(pid, 'status');
      const bytes = (name: string): number =>
        Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status ?? '')?.[1]) * 1024;
      return status === null ? null : { resident: bytes('VmRSS'), peak: bytes('VmHWM') };
    },
    stop: () => end(child),
  };
}

/** The bench's own environment must not configure what it measures. */
const withoutAurora = (): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith('AURORA_')));

function proc(pid: number, file: string): string | null {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 12_000);
  await gone;
  clearTimeout(timer);
}
