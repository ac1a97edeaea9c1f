import { type ChildProcess, spawn } from 'node:child_process';

export interface Child {
  readonly child: ChildProcess;
  /** Whole lines on stdout so far. */
  lines(): string[];
  /** Everything on stderr so far. */
  problems(): string;
  /** Resolves at the nth line; rejects when the process ends before. */
  linesReach(n: number): Promise<void>;
}

/**
 * Runs a script of ours in a Node process of its own.
 * @param environment instead of this process's own
 */
export function startChild(
  script: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv = process.env,
  as: { readonly cwd?: string; readonly uid?: number; readonly gid?: number } = {},
): Child {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', script, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment,
    ...as,
  });
  let out = '';
  let err = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    out += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    err += chunk;
  });
  const lines = (): string[] => out.split('\n').slice(0, -1);
  return {
    child,
    lines,
    problems: () => err,
    linesReach: (n) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (lines().length >= n) resolve();
        };
        child.stdout.on('data', look);
        child.once('close', () => reject(new Error(`the child ended after ${lines().length} lines: ${err}`)));
        look();
      }),
  };
}
