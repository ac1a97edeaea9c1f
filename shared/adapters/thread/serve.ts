/** The other side of client.ts, in the thread: opens something, and answers calls of its methods until it is closed. */
import { parentPort } from 'node:worker_threads';
import type { Log } from '#shared/ports/log.ts';
import { type Answer, type Call, type FromThread, type Level, toWire, type Unavailable } from './protocol.ts';

/** Answers a call by its name. `close` is one of them, the last. */
export type Methods = (method: string, args: readonly unknown[]) => Promise<unknown>;

export interface ServeOptions {
  readonly unavailable: Unavailable;
  /** May throw: then the client hears why. */
  readonly open: (log: Log) => Methods;
  /** What `open` threw, as the port names it. */
  readonly named: (error: unknown) => unknown;
}

export function serveThread({ unavailable, open, named }: ServeOptions): void {
  const port = parentPort;
  if (port === null) throw new Error('this file runs only as a worker thread');
  const tell = (message: FromThread): void => port.postMessage(message);

  /** Answers of one turn of the loop leave as one message: a group commit resolves many at once. */
  let answers: Answer[] = [];
  function answer(one: Answer): void {
    if (answers.length === 0)
      setImmediate(() => {
        const together = answers;
        answers = [];
        tell({ type: 'answers', answers: together });
      });
    answers.push(one);
  }

  function threadLog(bindings: Readonly<Record<string, unknown>>): Log {
    const line = (level: Level) => (fields: Readonly<Record<string, unknown>>, message: string) =>
      tell({ type: 'log', level, fields: { ...bindings, ...fields }, message });
    return {
      debug: line('debug'),
      info: line('info'),
      warn: line('warn'),
      error: line('error'),
      child: (fields) => threadLog({ ...bindings, ...fields }),
    };
  }

  try {
    const methods = open(threadLog({}));
    port.on('message', (calls: readonly Call[]) => {
      for (const { id, method, args } of calls) {
        methods(method, args).then(
          (value) => answer({ id, value }),
          (error: unknown) => answer({ id, error: toWire(error, unavailable) }),
        );
      }
    });
    tell({ type: 'opened' });
  } catch (error) {
    tell({ type: 'failed', error: toWire(named(error), unavailable) });
  }
}
