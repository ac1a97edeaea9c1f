import { RejectedError } from '#shared/errors.ts';
import type { ObjectEntry, Objects, ObjectVersion, Precondition, StoredObject } from '#shared/ports/objects.ts';

/** An object store in memory that honours every precondition, with the levers a test needs. */
export interface MemoryObjects extends Objects {
  /** Replaces bytes behind the store's back: a flipped bit, a half-written file. */
  corrupt(name: string, bytes: Uint8Array): void;
  /** Makes the n-th write from now (1 = the next) and all that follow fail before they are applied; null mends it. */
  crashAtWrite(n: number | null): void;
  names(): readonly string[];
  readonly writes: number;
}

/** What a write meets when the process is "dead". Not one of our errors: nothing may catch and mask it. */
export class Crash extends Error {}

interface Held {
  bytes: Uint8Array;
  generation: string;
  metageneration: number;
  metadata: Readonly<Record<string, string>>;
}

export function memoryObjects(): MemoryObjects {
  const held = new Map<string, Held>();
  let generations = 0;
  let writes = 0;
  let crashAt: number | null = null;

  const version = (object: Held): ObjectVersion => ({
    generation: object.generation,
    metageneration: String(object.metageneration),
    size: object.bytes.byteLength,
    metadata: object.metadata,
  });
  const stored = (object: Held): StoredObject => ({ ...version(object), bytes: object.bytes.slice() });

  const check = (name: string, condition: Precondition): void => {
    const object = held.get(name);
    const generation = object?.generation ?? '0';
    const metageneration = object === undefined ? '0' : String(object.metageneration);
    const holds =
      (condition.generationMatch ?? generation) === generation &&
      condition.generationNotMatch !== generation &&
      (condition.metagenerationMatch ?? metageneration) === metageneration &&
      condition.metagenerationNotMatch !== metageneration;
    if (!holds)
      throw new RejectedError(
        'object_precondition_failed',
        `${name}: ${JSON.stringify(condition)} is not ${generation}`,
      );
  };

  // Every answer comes a turn later, so that concurrent callers interleave as over a network.
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

  return {
    get writes() {
      return writes;
    },
    names: () => [...held.keys()].sort(),
    corrupt(name, bytes) {
      const object = held.get(name);
      if (object === undefined) throw new Error(`no object ${name}`);
      object.bytes = bytes;
    },
    crashAtWrite(n) {
      crashAt = n === null ? null : writes + n;
    },
    async read(name) {
      await turn();
      const object = held.get(name);
      return object === undefined ? null : stored(object);
    },
    async readUnless(name, unlessGeneration) {
      await turn();
      const object = held.get(name);
      if (object === undefined) return null;
      return object.generation === unlessGeneration ? 'unchanged' : stored(object);
    },
    async write(name, bytes, precondition, metadata = {}) {
      await turn();
      writes += 1;
      if (crashAt !== null && writes >= crashAt) throw new Crash(`crashed at write ${writes}: ${name}`);
      check(name, precondition);
      generations += 1;
      const object = { bytes: bytes.slice(), generation: String(generations), metageneration: 1, metadata };
      held.set(name, object);
      return version(object);
    },
    async writeMetadata(name, metadata, precondition) {
      await turn();
      const object = held.get(name);
      if (object === undefined) throw new RejectedError('object_precondition_failed', `${name} does not exist`);
      check(name, precondition);
      object.metadata = metadata;
      object.metageneration += 1;
      return version(object);
    },
    async list(prefix, { limit = 1000, after } = {}) {
      await turn();
      return [...held]
        .filter(([name]) => name.startsWith(prefix) && (after === undefined || byBytes(name, after) > 0))
        .sort(([a], [b]) => byBytes(a, b))
        .slice(0, limit)
        .map(([name, object]): ObjectEntry => ({ name, ...version(object) }));
    },
    async remove(name, precondition) {
      await turn();
      check(name, precondition);
      return held.delete(name);
    },
    async close() {
      held.clear();
    },
  };
}

const byBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));
