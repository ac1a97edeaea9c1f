import { RejectedError } from '#shared/errors.ts';
import type { Objects } from '#shared/ports/objects.ts';

/** What a writer finds of its own kind before it writes anew. */
export interface LastWritten<T> {
  /** Null: there is none, or none that can be read. */
  readonly value: T | null;
  /** To be replaced; "0": there is none. */
  readonly generation: string;
  /** Why it cannot be read; null: it can, or there is none. */
  readonly fault: string | null;
}

/**
 * An object that cannot be read is no obstacle to the next one.
 * @param parse throws RejectedError when the bytes are not a valid value
 * @throws TransientError objects_unavailable
 */
export async function lastWritten<T>(
  objects: Objects,
  name: string,
  parse: (bytes: Uint8Array) => T,
): Promise<LastWritten<T>> {
  let generation: string | null = null;
  try {
    const stored = await objects.read(name);
    if (stored === null) return { value: null, generation: '0', fault: null };
    generation = stored.generation;
    return { value: parse(stored.bytes), generation, fault: null };
  } catch (error) {
    if (!(error instanceof RejectedError)) throw error;
    // Damaged: the store names the generation, but gives no bytes.
    return { value: null, generation: generation ?? String(error.details?.['generation']), fault: error.message };
  }
}
