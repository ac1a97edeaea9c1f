import { type ChildProcess, spawn } from 'node:child_process';

export interface Child {
  readonly child: ChildProcess;
  /** Whole lines on stdout so far. */
  lines(): string[];
  /** Everything on stderr so far. */
  problems(): string;
  /** Resolves at the nth line; rejects when the process ends before. */
  linesReach(n: number): Promise<void>;
  /** Resolves at the first line that fits; rejects when the process ends before. */
  line(pattern: RegExp): Promise<RegExpExecArray>;
}

/** Where Node keeps what it compiled (test/runner/places.ts), for a child that is given nothing else of this process: it starts in half of the CPU time. */
export function compiledBefore(): NodeJS.ProcessEnv {
  const { NODE_COMPILE_CACHE } = process.env;
  return NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE };
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
  /** Looks at every output until there is something. */
  const until = <T>(look: () => T | null): Promise<T> =>
    new Promise((resolve, reject) => {
      const onOutput = (): void => {
        const found = look();
        if (found !== null) resolve(found);
      };
      child.stdout.on('data', onOutput);
      child.once('close', () => reject(new Error(`the child ended after ${lines().length} lines: ${err}`)));
      onOutput();
    });
  return {
    child,
    lines,
    problems: () => err,
    linesReach: async (n) => void (await until(() => lines().length >= n || null)),
    line: (pattern) =>
      until(
        () =>
          lines()
            .map((line) => pattern.exec(line))
            .find((match) => match !== null) ?? null,
      ),
  };
}
