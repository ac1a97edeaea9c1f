import type { BusMessage } from '#shared/ports/bus.ts';
import type { Log } from '#shared/ports/log.ts';
import { openThread } from '../../thread/client.ts';
import type { EmbeddedBus } from './engine.ts';
import type { WorkerStart } from './protocol.ts';

/** The engine in a thread of its own, seen from here as the same object: writing, fsync, leases and pushes leave this event loop alone. */
export async function openWorkerBus(start: WorkerStart, log: Log): Promise<EmbeddedBus> {
  const url = new URL('./worker.ts', import.meta.url);
  const { call, close } = await openThread({
    url,
    workerData: start,
    name: 'the bus',
    unavailable: 'bus_unavailable',
    log,
  });
  return {
    publish: (topic, messages) => call('publish', topic, messages.map(compact)),
    stats: () => call('stats'),
    deadLetters: (limit, before) => call('deadLetters', limit, before),
    deadLetter: (messageId) => call('deadLetter', messageId),
    countDeadLetters: () => call('countDeadLetters'),
    replayDeadLetter: (messageId) => call('replayDeadLetter', messageId),
    start: (targets) => call('start', targets),
    pause: () => call('pause'),
    close,
  };
}

/** A view into a larger buffer would be cloned with all of it; Buffer.from(text) lives in an 8 KiB pool. */
const compact = (message: BusMessage): BusMessage =>
  message.data.byteLength === message.data.buffer.byteLength
    ? message
    : { ...message, data: new Uint8Array(message.data) };
