/**
 * A deployed function in a process of its own that dies and comes back: always on the same port, as behind the same URL.
 * States: starting -> serving -> dead (killed, or told to end) -> starting, by itself; stopped: for good.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface FunctionProcess {
  readonly url: string;
  /** SIGKILL, wherever it stands; it comes back. */
  kill(): void;
  /** SIGTERM, once it serves; resolves with the exit code, and it comes back. */
  terminate(): Promise<number | null>;
  /** Resolves when it answers. */
  serves(): Promise<void>;
  stop(): Promise<void>;
}

/** Those of the cloud that have a process of their own here; the others run on the market, in the test's. */
export const IN_PROCESSES = ['ingest', 'learn', 'promote', 'route', 'score', 'train'] as const;
export type InProcess = (typeof IN_PROCESSES)[number];

const SERVE = fileURLToPath(new URL('../../../functions/serve.ts', import.meta.url));
/** A directory that gets the log of each function, for whoever looks for a fault. */
const LOGS = process.env['AURORA_TEST_LOGS'];
/** Compiled code, where the run keeps any: each start is quicker by half. */
const CACHE = process.env['NODE_COMPILE_CACHE'];
const LOOK_EVERY_MS = 50;
/** Of what it said on stderr. */
const TOLD_CHARACTERS = 2_000;

/** @param onEnd hears of an end that nobody asked for */
export function startFunction(
  name: string,
  options: {
    readonly port: number;
    readonly environment: Readonly<Record<string, string>>;
    readonly onEnd: (finding: string) => void;
  },
): FunctionProcess {
  const { port, environment, onEnd } = options;
  const url = `http://127.0.0.1:${port}`;
  const log = LOGS === undefined ? null : openSync(join(LOGS, `${name}.log`), 'a');
  /** By our hand. */
  let deaths = 0;
  let stopped = false;
  let child = launch();

  function launch(): ChildProcess {
    const launched = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', SERVE], {
      stdio: ['ignore', log ?? 'ignore', 'pipe'],
      env: {
        ...environment,
        ...(CACHE === undefined ? {} : { NODE_COMPILE_CACHE: CACHE }),
        FUNCTION_TARGET: name,
        PORT: `${port}`,
        AURORA_LOG_LEVEL: log === null ? 'silent' : 'debug',
      },
    });
    // A test that runs into its deadline never comes to its `finally`; its worker takes the process along.
    const orphaned = (): void => void launched.kill('SIGKILL');
    process.once('exit', orphaned);
    let said = '';
    launched.stderr?.setEncoding('utf8').on('data', (text: string) => {
      said = `${said}${text}`.slice(-TOLD_CHARACTERS);
    });
    const deathsThen = deaths;
    launched.once('close', (code, signal) => {
      process.removeListener('exit', orphaned);
      if (stopped) return;
      if (deaths === deathsThen) onEnd(`${name} ended by itself (${signal ?? code}): ${said}`);
      child = launch();
    });
    return launched;
  }
  async function serves(): Promise<void> {
    while ((await statusOf(`${url}/health`)) !== 200)
      await new Promise((resolve) => void setTimeout(resolve, LOOK_EVERY_MS));
  }
  const end = (signal: NodeJS.Signals): ChildProcess => {
    deaths += 1;
    child.kill(signal);
    return child;
  };

  return {
    url,
    kill: () => void end('SIGKILL'),
    async terminate() {
      await serves();
      const [code] = (await once(end('SIGTERM'), 'exit')) as [number | null];
      return code;
    },
    serves,
    async stop() {
      stopped = true;
      const gone = once(child, 'exit');
      if (child.kill('SIGKILL')) await gone;
    },
  };
}

async function statusOf(url: string): Promise<number | null> {
  try {
    return (await fetch(url)).status;
  } catch {
    // Nobody listens there now.
    return null;
  }
}
