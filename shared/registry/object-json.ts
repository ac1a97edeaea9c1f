import type { z } from 'zod';
import { describeIssues } from '#shared/domain/events/codec.ts';
import { sha256Hex } from '#shared/domain/ids.ts';
import { AuroraError, RejectedError } from '#shared/errors.ts';
import type { Objects, StoredObject } from '#shared/ports/objects.ts';

const encoder = new TextEncoder();

/** The bytes of a JSON object as the registry writes it: readable by people, the same for the same value. */
export const jsonBytes = (value: unknown): Uint8Array => encoder.encode(`${JSON.stringify(value, null, 2)}\n`);

export const sameBytes = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** @throws RejectedError artefact_corrupt naming the object and the first wrong field */
export function parseObject<T>(name: string, bytes: Uint8Array, schema: z.ZodType<T>): T {
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new RejectedError(
      'artefact_corrupt',
      `${name}: expected JSON in UTF-8, got ${bytes.byteLength} other bytes`,
      {
        cause,
      },
    );
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw new RejectedError('artefact_corrupt', `${name}: ${describeIssues(parsed.error.issues)}`);
  return parsed.data;
}

/**
 * The object, or null when there is none.
 * @throws RejectedError artefact_corrupt when the store finds it damaged, or its bytes are not those that `createRecord` wrote;
 * its details name the generation
 */
export async function readObject(objects: Objects, name: string): Promise<StoredObject | null> {
  let stored: StoredObject | null;
  try {
    stored = await objects.read(name);
  } catch (error) {
    if (!(error instanceof RejectedError) || error.code !== 'object_damaged') throw error;
    const { message, details = {} } = error;
    throw new RejectedError('artefact_corrupt', message, { cause: error, details });
  }
  const expected = stored?.metadata[SHA256];
  if (stored === null || expected === undefined) return stored;
  const found = sha256Hex(stored.bytes);
  if (found === expected) return stored;
  const { generation } = stored;
  throw new RejectedError('artefact_corrupt', `${name}: expected sha256 ${expected}, got ${found}`, {
    details: { name, generation },
  });
}

/** In the metadata of a record. */
const SHA256 = 'sha256';

/**
 * Writes the object if there is none. True: it now holds these bytes, false: it held others before. A retried write can
 * be refused after its own success, so a refusal is judged by content, not believed.
 */
export async function createOnly(
  objects: Objects,
  name: string,
  bytes: Uint8Array,
  metadata: Readonly<Record<string, string>> = {},
): Promise<boolean> {
  try {
    await objects.write(name, bytes, { generationMatch: '0' }, metadata);
    return true;
  } catch (error) {
    if (!isPreconditionFailed(error)) throw error;
    const there = await readObject(objects, name);
    return there !== null && sameBytes(there.bytes, bytes);
  }
}

/** `createOnly` of a record that no other file vouches for: every later read checks its bytes. */
export const createRecord = (objects: Objects, name: string, bytes: Uint8Array): Promise<boolean> =>
  createOnly(objects, name, bytes, { [SHA256]: sha256Hex(bytes) });

export const isCorrupt = (error: unknown): error is RejectedError =>
  error instanceof RejectedError && error.code === 'artefact_corrupt';

export const isPreconditionFailed = (error: unknown): boolean =>
  error instanceof AuroraError && error.code === 'object_precondition_failed';
