import type { ServerResponse } from 'node:http';
import { STREAM_STALL_MS } from '#shared/defaults.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import type { BodyStream } from '../types.ts';

/**
 * Sends a body as it comes, no faster than it is taken. Its head has been written. A client that is gone, or takes nothing for
 * STREAM_STALL_MS, ends the source. A body that breaks off breaks the connection: nothing else tells that it is not whole.
 */
export async function writeStream(response: ServerResponse, body: BodyStream, hostClock: HostClock): Promise<void> {
  const iterator = body[Symbol.asyncIterator]();
  const end = (): void => void iterator.return?.();
  response.once('close', end);
  try {
    for (;;) {
      const { done, value } = await iterator.next();
      if (response.destroyed) return;
      if (done === true) break;
      if (!response.write(value)) await taken(response, 'drain', hostClock);
    }
    response.end();
    if (!response.writableFinished) await taken(response, 'finish', hostClock);
  } catch {
    // Whoever made the body has logged why. What had come until then goes out before.
    if (response.socket === null) response.destroy();
    else response.socket.destroySoon();
    await taken(response, 'finish', hostClock);
  } finally {
    response.off('close', end);
    end();
  }
}

/** Resolves when the client has taken what there was, is gone, or was given up. */
function taken(response: ServerResponse, event: 'drain' | 'finish', hostClock: HostClock): Promise<void> {
  if (response.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const settle = (): void => {
      cancel();
      response.off(event, settle);
      response.off('close', settle);
      resolve();
    };
    const cancel = hostClock.after(STREAM_STALL_MS, () => response.destroy());
    response.on(event, settle);
    response.on('close', settle);
  });
}
