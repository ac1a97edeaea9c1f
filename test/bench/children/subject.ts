/** A measured subject in a process of its own: it measures when it is asked, so that rounds can alternate over processes. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

/** In the child: answers each message of the parent with what `measure` makes of it. */
export function answerRounds<T>(measure: (subject: string) => T | Promise<T>): void {
  process.on('message', (subject: string) => {
    Promise.resolve(measure(subject)).then(
      (result) => process.send?.({ result }),
      (error: unknown) => {
        process.send?.({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
      },
    );
  });
}

export interface Subject<T> {
  measure(subject: string): Promise<T>;
  stop(): Promise<void>;
}

export function startSubject<T>(script: URL, args: readonly string[]): Subject<T> {
  const child: ChildProcess = fork(script, args, {
    execPath: process.execPath,
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  return {
    async measure(subject) {
      const died = new AbortController();
      const gone = (code: number | null): void => died.abort(new Error(`${script.pathname} ended with ${code}`));
      child.once('exit', gone);
      try {
        child.send(subject);
        const [answer] = (await once(child, 'message', { signal: died.signal })) as [{ result: T } | { error: string }];
        if ('error' in answer) throw new Error(answer.error);
        return answer.result;
      } finally {
        child.off('exit', gone);
      }
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
  };
}
