import { Worker } from 'node:worker_threads';
import { type AuroraError, TransientError } from '#shared/errors.ts';
import type { BusMessage } from '#shared/ports/bus.ts';
import type { Log } from '#shared/ports/log.ts';
import type { EmbeddedBus } from './engine.ts';
import { type Call, type FromWorker, fromWire, type Method, type WorkerStart } from './protocol.ts';

interface Waiting {
  readonly resolve: (value: never) => void;
  readonly reject: (error: AuroraError) => void;
}

/**
 * The engine in a worker thread, seen from here as the same object: writing, fsync, leases and pushes leave this
 * thread's event loop alone. Calls of one turn travel together. If the thread dies, every call fails with
 * bus_unavailable; what was acknowledged is in the file.
 */
export function openWorkerBus(start: WorkerStart, log: Log): Promise<EmbeddedBus> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData: start,
    execArgv: ['--disable-warning=ExperimentalWarning'],
    name: 'bus',
  });
  const waiting = new Map<number, Waiting>();
  let outgoing: Call[] = [];
  let sequence = 0;
  let ended: TransientError | null = null;
  let closing: Promise<void> | null = null;
  /** Why it would not open. */
  let refusal: AuroraError | null = null;

  function call<T>(method: Method, ...args: readonly unknown[]): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (ended !== null) {
        reject(ended);
        return;
      }
      const id = sequence++;
      waiting.set(id, { resolve: resolve as (value: never) => void, reject });
      if (outgoing.length === 0) queueMicrotask(send);
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
  function settle(message: Extract<FromWorker, { type: 'answers' }>): void {
    for (const answer of message.answers) {
      const asked = waiting.get(answer.id);
      waiting.delete(answer.id);
      if ('error' in answer) asked?.reject(fromWire(answer.error));
      else asked?.resolve(answer.value as never);
    }
  }
  async function shutDown(): Promise<void> {
    if (ended === null) await call<void>('close');
    end(new TransientError('bus_unavailable', 'the bus is closed'));
    await worker.terminate();
  }

  const bus: EmbeddedBus = {
    publish: (topic, messages) => call('publish', topic, messages.map(compact)),
    stats: () => call('stats'),
    deadLetters: (limit, before) => call('deadLetters', limit, before),
    deadLetter: (messageId) => call('deadLetter', messageId),
    countDeadLetters: () => call('countDeadLetters'),
    replayDeadLetter: (messageId) => call('replayDeadLetter', messageId),
    start: (targets) => call('start', targets),
    pause: () => call('pause'),
    close() {
      closing ??= shutDown();
      return closing;
    },
  };

  return new Promise((resolve, reject) => {
    worker.on('message', (message: FromWorker) => {
      if (message.type === 'answers') settle(message);
      else if (message.type === 'log') log[message.level](message.fields, message.message);
      else if (message.type === 'opened') resolve(bus);
      else if (message.type === 'failed') {
        refusal = fromWire(message.error);
        void worker.terminate();
      } else message satisfies never;
    });
    worker.on('error', (cause) => {
      const error = new TransientError('bus_unavailable', `the bus thread failed: ${String(cause)}`, { cause });
      log.error({ code: error.code, error: error.message }, 'bus thread failed');
      end(error);
      reject(error);
    });
    worker.on('exit', (code) => {
      const error = new TransientError('bus_unavailable', `the bus thread ended with code ${code}`);
      end(error);
      reject(refusal ?? error);
    });
  });
}

/** A view into a larger buffer would be cloned with all of it; Buffer.from(text) lives in an 8 KiB pool. */
const compact = (message: BusMessage): BusMessage =>
  message.data.byteLength === message.data.buffer.byteLength
    ? message
    : { ...message, data: new Uint8Array(message.data) };
