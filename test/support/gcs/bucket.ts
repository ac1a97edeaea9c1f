/**
 * One bucket of Cloud Storage in memory, as strict as the real one about what a request asks for: generations that only grow, all
 * four preconditions, sums that must fit. Object versioning is off, so an older generation is gone.
 */
import { createHash } from 'node:crypto';
import crc32c from 'crc-32/crc32c.js';

export interface Kept {
  readonly name: string;
  readonly generation: bigint;
  readonly metageneration: bigint;
  readonly metadata: Readonly<Record<string, string>>;
  readonly customTime: string | null;
  /** As they were sent; sums and size are theirs. */
  readonly written: Uint8Array;
  /** As they are served; null: lost. */
  readonly bytes: Uint8Array | null;
}

/** What an upload says of itself. */
export interface Sent {
  readonly metadata?: Readonly<Record<string, string>>;
  readonly customTime?: string;
  readonly crc32c?: string;
  readonly md5Hash?: string;
}

export type Conditions = Readonly<Record<string, bigint>>;

/** What the JSON API answers. */
export class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export function createBucket() {
  const objects = new Map<string, Kept>();
  let last = 1_767_225_600_000_000n;

  /** @param read a "not" match that fails answers 304 to reads, 412 to writes */
  const check = (live: Kept | undefined, conditions: Conditions, read: boolean): void => {
    const generation = live?.generation ?? 0n;
    const metageneration = live?.metageneration ?? 0n;
    const { ifGenerationMatch, ifGenerationNotMatch, ifMetagenerationMatch, ifMetagenerationNotMatch } = conditions;
    const matches: readonly (readonly [bigint | undefined, bigint])[] = [
      [ifGenerationMatch, generation],
      [ifMetagenerationMatch, metageneration],
    ];
    if (matches.some(([wanted, is]) => wanted !== undefined && wanted !== is))
      throw new Refusal(412, 'At least one of the pre-conditions you specified did not hold.');
    const others: readonly (readonly [bigint | undefined, bigint])[] = [
      [ifGenerationNotMatch, generation],
      [ifMetagenerationNotMatch, metageneration],
    ];
    if (others.some(([unwanted, is]) => unwanted === is))
      throw new Refusal(read ? 304 : 412, read ? '' : 'At least one of the pre-conditions you specified did not hold.');
  };
  const liveOf = (name: string): Kept => {
    const live = objects.get(name);
    if (live === undefined) throw new Refusal(404, `No such object: bucket/${name}`);
    return live;
  };

  return {
    insert(name: string, bytes: Uint8Array, sent: Sent, conditions: Conditions): Kept {
      check(objects.get(name), conditions, false);
      if (sent.crc32c !== undefined && sent.crc32c !== sumsOf(bytes).crc32c)
        throw new Refusal(400, `Provided CRC32C "${sent.crc32c}" doesn't match calculated CRC32C.`);
      if (sent.md5Hash !== undefined && sent.md5Hash !== sumsOf(bytes).md5)
        throw new Refusal(400, `Provided MD5 hash "${sent.md5Hash}" doesn't match calculated MD5 hash.`);
      last += 1n;
      const kept = {
        name,
        generation: last,
        metageneration: 1n,
        metadata: sent.metadata ?? {},
        customTime: sent.customTime ?? null,
        written: bytes,
        bytes,
      };
      objects.set(name, kept);
      return kept;
    },
    /** A condition is looked at before whether there is anything. @param generation of the one that is asked for */
    get(name: string, conditions: Conditions, generation: bigint | null): Kept {
      const live = liveOf(name);
      check(live, conditions, true);
      if (generation !== null && generation !== live.generation) throw new Refusal(404, `No such object: ${name}`);
      return live;
    },
    /** @param changes null removes a key */
    patch(name: string, changes: Readonly<Record<string, string | null>>, conditions: Conditions): Kept {
      const live = liveOf(name);
      check(live, conditions, false);
      const merged = Object.entries({ ...live.metadata, ...changes }).filter(
        (entry): entry is [string, string] => entry[1] !== null,
      );
      const kept = { ...live, metageneration: live.metageneration + 1n, metadata: Object.fromEntries(merged) };
      objects.set(name, kept);
      return kept;
    },
    remove(name: string, conditions: Conditions): void {
      check(liveOf(name), conditions, false);
      objects.delete(name);
    },
    /** In the order of UTF-8 bytes. */
    list: (prefix: string, startOffset: string): readonly Kept[] =>
      [...objects.values()]
        .filter(
          ({ name }) => name.startsWith(prefix) && Buffer.compare(Buffer.from(name), Buffer.from(startOffset)) >= 0,
        )
        .sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name))),
    /** What a broken disk, or a broken line, makes of it. */
    damage(name: string, change: (bytes: Uint8Array) => Uint8Array | null): void {
      const live = liveOf(name);
      objects.set(name, { ...live, bytes: change(live.bytes ?? live.written) });
    },
  };
}

export type Bucket = ReturnType<typeof createBucket>;

export function sumsOf(bytes: Uint8Array): { readonly crc32c: string; readonly md5: string } {
  const sum = Buffer.alloc(4);
  sum.writeInt32BE(crc32c.buf(bytes));
  return { crc32c: sum.toString('base64'), md5: createHash('md5').update(bytes).digest('base64') };
}
