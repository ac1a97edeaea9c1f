import { Worker } from 'node:worker_threads';
import { type AuroraError, TransientError } from '#shared/errors.ts';
import type { Log } from '#shared/ports/log.ts';
import { type Call, type FromThread, fromWire, type Unavailable } from './protocol.ts';

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: AuroraError) => void;
}

export interface Thread {
  /** Calls of one turn travel together. @throws what it throws there; after its end, that it is gone */
  call<T>(method: string, ...args: readonly unknown[]): Promise<T>;
  /** Asks it to close, and ends it; once. */
  close(): Promise<void>;
}

export interface ThreadOptions {
  readonly url: URL;
  readonly workerData: unknown;
  /** In words: "the bus". */
  readonly name: string;
  readonly unavailable: Unavailable;
  readonly log: Log;
}

/**
 * A thread that answers calls (serve.ts): what it does with disks and sockets leaves this one's event loop alone. If it dies, every
 * call fails with `unavailable`; what was answered before is as durable as it said.
 */
export function openThread({ url, workerData, name, unavailable, log }: ThreadOptions): Promise<Thread> {
  const worker = new Worker(url, { workerData, execArgv: ['--disable-warning=ExperimentalWarning'], name });
  const waiting = new Map<number, Waiting>();
  let outgoing: Call[] = [];
  let sequence = 0;
  let ended: TransientError | null = null;
  let closing: Promise<void> | null = null;
  /** Why it would not open. */
  let refusal: AuroraError | null = null;

  function call<T>(method: string, ...args: readonly unknown[]): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (ended !== null) {
        reject(ended);
        return;
      }
      const id = sequence++;
      waiting.set(id, { resolve: resolve as (value: never) => void, reject });
      // After what this turn of the loop brings: to wake a thread costs more than a message's copy.
      if (outgoing.length === 0) setImmediate(send);
      outgoing.push({ id, method, args });
    });
  }
  function send(): void {
    const calls = outgoing;
    outgoing = [];
    worker.postMessage(calls);
  }
  function end(reason: TransientError): void {
    if (ended !== null) return;
    ended = reason;
    for (const { reject } of waiting.values()) reject(reason);
    waiting.clear();
  }
  function settle(message: Extract<FromThread, { type: 'answers' }>): void {
    for (const answer of message.answers) {
      const asked = waiting.get(answer.id);
      waiting.delete(answer.id);
      if ('error' in answer) asked?.reject(fromWire(answer.error));
      else asked?.resolve(answer.value as never);
    }
  }
  async function shutDown(): Promise<void> {
    try {
      if (ended === null) await call<void>('close');
    } finally {
      // Also when it could not close: left running it would keep the process alive.
      end(new TransientError(unavailable, `${name} is closed`));
      await worker.terminate();
    }
  }

  const thread: Thread = {
    call,
    close() {
      closing ??= shutDown();
      return closing;
    },
  };
  return new Promise((resolve, reject) => {
    worker.on('message', (message: FromThread) => {
      if (message.type === 'answers') settle(message);
      else if (message.type === 'log') log[message.level](message.fields, message.message);
      else if (message.type === 'opened') resolve(thread);
      else if (message.type === 'failed') {
        refusal = fromWire(message.error);
        void worker.terminate();
      } else message satisfies never;
    });
    worker.on('error', (cause) => {
      const error = new TransientError(unavailable, `the thread of ${name} failed: ${String(cause)}`, { cause });
      log.error({ code: error.code, error: error.message }, `the thread of ${name} failed`);
      end(error);
      reject(error);
    });
    worker.on('exit', (code) => {
      const error = new TransientError(unavailable, `the thread of ${name} ended with code ${code}`);
      end(error);
      reject(refusal ?? error);
    });
  });
}
