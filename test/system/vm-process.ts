import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', '..');
/** The project's own Node: whoever runs the tests, a signal must reach the stack and not a launcher before it. */
const NODE = join(ROOT, 'node_modules', 'node', 'bin', 'node');
const VM = join(ROOT, 'cli', 'vm.mjs');

export interface VmResult {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface VmProcess {
  readonly child: ChildProcess;
  stdout(): string;
  stderr(): string;
  /** The first line on stdout (past, then to come) for which `of` answers something. @throws when the process ends before */
  line<T>(of: (line: string) => T | undefined): Promise<T>;
  /** Resolves when stderr says so. @throws when the process ends before */
  note(text: string): Promise<void>;
  readonly ended: Promise<VmResult>;
  /** SIGKILL, unless it has ended; resolves when it is gone. Belongs in every `finally`. */
  kill(): Promise<void>;
}

/** Starts `vm` with these words, in a process of its own. */
export function startVm(words: readonly string[]): VmProcess {
  const environment = { ...process.env };
  for (const name of Object.keys(environment)) if (name.startsWith('AURORA_')) delete environment[name];
  const child = spawn(NODE, [VM, ...words], { stdio: ['ignore', 'pipe', 'pipe'], env: environment });
  // A test that runs into its deadline never comes to its `finally`; its worker takes the process along, unless it is killed itself.
  const orphaned = (): void => void child.kill('SIGKILL');
  process.once('exit', orphaned);
  child.once('exit', () => process.removeListener('exit', orphaned));
  const watchers = new Set<() => void>();
  let out = '';
  let err = '';
  let result: VmResult | null = null;
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    out += chunk;
    for (const look of [...watchers]) look();
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    err += chunk;
    for (const look of [...watchers]) look();
  });
  const ended = new Promise<VmResult>((resolve) => {
    child.once('close', (code) => {
      result = { code, stdout: out, stderr: err };
      for (const look of [...watchers]) look();
      resolve(result);
    });
  });
  /** Asks at every output until there is an answer. */
  const until = <T>(look: () => T | undefined): Promise<T> =>
    new Promise((resolve, reject) => {
      const onOutput = (): void => {
        const found = look();
        if (found === undefined && result === null) return;
        watchers.delete(onOutput);
        if (found !== undefined) resolve(found);
        else reject(new Error(`vm ${words.join(' ')} ended (${result?.code}) before it said what was awaited: ${err}`));
      };
      watchers.add(onOutput);
      onOutput();
    });
  return {
    child,
    stdout: () => out,
    stderr: () => err,
    ended,
    line: (of) => {
      let from = 0;
      return until(() => {
        for (let end = out.indexOf('\n', from); end !== -1; end = out.indexOf('\n', from)) {
          const found = of(out.slice(from, end));
          from = end + 1;
          if (found !== undefined) return found;
        }
        return undefined;
      });
    },
    note: async (text) => {
      await until(() => (err.includes(text) ? true : undefined));
    },
    async kill() {
      if (result === null) child.kill('SIGKILL');
      await ended;
    },
  };
}

/** Runs one command to its end. */
export async function vm(...words: readonly string[]): Promise<VmResult> {
  const running = startVm(words);
  try {
    return await running.ended;
  } finally {
    await running.kill();
  }
}
