import { createReadStream } from 'node:fs';
import { unreadable } from './unreadable.ts';

const LF = 0x0a;

/**
 * The bytes between the line feeds of a stream, in order; null for a line past `limit` bytes, of which no more than the limit is
 * ever held.
 */
export async function* lineBytes(source: AsyncIterable<Buffer>, limit: number): AsyncGenerator<Buffer | null> {
  let held: Buffer[] = [];
  let size = 0;
  const take = (bytes: Buffer): void => {
    size += bytes.length;
    if (size <= limit) held.push(bytes);
    else held = [];
  };
  const flush = (): Buffer | null => {
    const whole = size > limit ? null : Buffer.concat(held);
    held = [];
    size = 0;
    return whole;
  };
  for await (const chunk of source) {
    let from = 0;
    for (let end = chunk.indexOf(LF, from); end !== -1; end = chunk.indexOf(LF, from)) {
      take(chunk.subarray(from, end));
      yield flush();
      from = end + 1;
    }
    if (from < chunk.length) take(chunk.subarray(from));
  }
  if (size > 0) yield flush();
}

/** Of a file. @throws RejectedError file_unreadable */
export const fileLineBytes = (path: string, limit: number): AsyncGenerator<Buffer | null> =>
  lineBytes(bytesOf(path), limit);

async function* bytesOf(path: string): AsyncGenerator<Buffer> {
  try {
    yield* createReadStream(path) as AsyncIterable<Buffer>;
  } catch (error) {
    throw unreadable(path, error);
  }
}
