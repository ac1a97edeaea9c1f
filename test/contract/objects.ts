import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AuroraError, RejectedError } from '#shared/errors.ts';
import type { Objects, Precondition } from '#shared/ports/objects.ts';
import { testCases } from '#test/support/cases.ts';
import { objectsModel } from './objects-model.ts';

/** One empty store. `open` gives a new client of it each time; `dispose` removes the store and closes what is open. */
export interface ObjectsFixture {
  open(): Promise<Objects>;
  /** Changes the stored bytes of an object behind the store's back; null loses them. */
  damage(name: string, change: (bytes: Uint8Array) => Uint8Array | null): Promise<void>;
  dispose(): Promise<void>;
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);
const string = (bytes: Uint8Array | undefined): string => new TextDecoder('utf-8', { fatal: true }).decode(bytes);

/** The code of the coded error that `operation` fails with; any other end of it fails the test. */
async function codeOf(operation: Promise<unknown>): Promise<string> {
  const outcome = await operation.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if ('error' in outcome && outcome.error instanceof AuroraError) return outcome.error.code;
  throw new Error(`expected a coded error, got ${JSON.stringify(outcome)}`, { cause: outcome });
}

/**
 * What every object store must do; each adapter's test is one call of this.
 * @param damageable false: nobody can change what is stored behind the store's back, and what is damaged is not tested
 */
export function objectsContract(
  name: string,
  make: () => Promise<ObjectsFixture>,
  { damageable = true }: { readonly damageable?: boolean } = {},
): void {
  describe(`objects contract: ${name}`, () => {
    let fixture: ObjectsFixture;
    let objects: Objects;
    beforeEach(async () => {
      fixture = await make();
      objects = await fixture.open();
    });
    afterEach(async () => {
      await objects.close();
      await fixture.dispose();
    });

    const read = async (at: string, from = objects): Promise<string | null> => {
      const found = await from.read(at);
      return found === null ? null : string(found.bytes);
    };

    test('reads back what was written, with its version', async () => {
      const version = await objects.write('models/v1/manifest.json', text('{"a":1}'), {}, { kind: 'manifest' });
      const found = await objects.read('models/v1/manifest.json');
      expect(found).toEqual({ ...version, bytes: text('{"a":1}') });
      expect(version).toMatchObject({ metageneration: '1', size: 7, metadata: { kind: 'manifest' } });
      expect(version.generation).not.toBe('0');
    });

    test('an absent object reads as null', async () => {
      expect(await objects.read('nothing')).toBeNull();
      expect(await objects.readUnless('nothing', '7')).toBeNull();
      expect(await objects.readUnless('nothing', '0')).toBeNull();
    });

    test('keeps empty objects and every byte value', async () => {
      await objects.write('empty', new Uint8Array(0), {});
      const all = Uint8Array.from({ length: 256 * 1024 }, (_, i) => (i * 31) % 256);
      await objects.write('all', all, {});
      expect((await objects.read('empty'))?.bytes).toEqual(new Uint8Array(0));
      expect((await objects.read('empty'))?.size).toBe(0);
      expect(Buffer.from((await objects.read('all'))?.bytes ?? []).equals(Buffer.from(all))).toBe(true);
    });

    test('takes the bytes as they are at the call, not later', async () => {
      const buffer = text('before');
      const writing = objects.write('snapshot', buffer, {});
      buffer.fill(0);
      await writing;
      expect(await read('snapshot')).toBe('before');
    });

    test('answers unchanged for the generation at hand, the object for any other', async () => {
      const first = await objects.write('poll', text('one'), {});
      expect(await objects.readUnless('poll', first.generation)).toBe('unchanged');
      const second = await objects.write('poll', text('two'), {});
      expect(await objects.readUnless('poll', first.generation)).toEqual({ ...second, bytes: text('two') });
    });

    test('gives every write its own generation, over removal too', async () => {
      const seen = new Set<string>();
      for (let i = 0; i < 5; i += 1) {
        seen.add((await objects.write('same', text('same bytes'), {})).generation);
        seen.add((await objects.write('other', text('same bytes'), {})).generation);
        await objects.remove('same', {});
      }
      expect(seen.size).toBe(10);
    });

    describe('preconditions', () => {
      /** `live` and `gone` are replaced by the generation of the object and by one that it had before. */
      const cases: readonly { readonly when: Precondition; readonly absent: boolean; readonly present: boolean }[] = [
        { when: {}, absent: true, present: true },
        { when: { generationMatch: '0' }, absent: true, present: false },
        { when: { generationMatch: 'live' }, absent: false, present: true },
        { when: { generationMatch: 'gone' }, absent: false, present: false },
        { when: { generationNotMatch: '0' }, absent: false, present: true },
        { when: { generationNotMatch: 'live' }, absent: true, present: false },
        { when: { generationNotMatch: 'gone' }, absent: true, present: true },
        { when: { metagenerationMatch: '2' }, absent: false, present: true },
        { when: { metagenerationMatch: '1' }, absent: false, present: false },
        { when: { generationMatch: 'live', metagenerationMatch: '2' }, absent: false, present: true },
        { when: { generationMatch: 'live', metagenerationMatch: '1' }, absent: false, present: false },
        { when: { generationMatch: 'gone', metagenerationMatch: '2' }, absent: false, present: false },
        { when: { generationMatch: 'live', metagenerationNotMatch: '1' }, absent: false, present: true },
        { when: { generationMatch: 'live', metagenerationNotMatch: '2' }, absent: false, present: false },
      ];

      /** An object at metageneration 2 under `present`, none under `absent`. */
      async function prepare(): Promise<(when: Precondition) => Precondition> {
        const gone = await objects.write('present', text('older'), {});
        const live = await objects.write('present', text('old'), {});
        await objects.writeMetadata('present', { tag: 'old' }, {});
        const generations: Record<string, string> = { live: live.generation, gone: gone.generation };
        return (when) =>
          Object.fromEntries(Object.entries(when).map(([key, value]) => [key, generations[value] ?? value]));
      }

      test.each(cases)('write when $when: absent $absent, present $present', async ({ when, absent, present }) => {
        const resolved = (await prepare())(when);
        for (const [at, allowed] of [
          ['absent', absent],
          ['present', present],
        ] as const) {
          if (allowed) {
            await objects.write(at, text('new'), resolved);
            expect(await read(at)).toBe('new');
          } else {
            expect(await codeOf(objects.write(at, text('new'), resolved))).toBe('object_precondition_failed');
            expect(await read(at)).toBe(at === 'absent' ? null : 'old');
          }
        }
      });

      test.each(cases)('metadata and removal when $when: present $present', async ({ when, present }) => {
        const resolved = (await prepare())(when);
        if (!present) {
          expect(await codeOf(objects.writeMetadata('present', {}, resolved))).toBe('object_precondition_failed');
          expect(await codeOf(objects.remove('present', resolved))).toBe('object_precondition_failed');
          expect(await objects.read('present')).toMatchObject({ metageneration: '2', metadata: { tag: 'old' } });
          return;
        }
        expect(await objects.remove('present', resolved)).toBe(true);
        expect(await objects.read('present')).toBeNull();
      });
    });

    test('a metadata write moves the metageneration and nothing else', async () => {
      const first = await objects.write('meta', text('content'), {}, { a: '1', b: '2' });
      const second = await objects.writeMetadata('meta', { c: '3' }, { metagenerationMatch: '1' });
      expect(second).toEqual({ ...first, metageneration: '2', metadata: { c: '3' } });
      expect(await objects.read('meta')).toEqual({ ...second, bytes: text('content') });
      const third = await objects.write('meta', text('content'), {});
      expect(third).toMatchObject({ metageneration: '1', metadata: {} });
    });

    test('a metadata write needs an object', async () => {
      expect(await codeOf(objects.writeMetadata('none', {}, {}))).toBe('not_found');
    });

    test('removes once', async () => {
      await objects.write('brief', text('x'), {});
      expect(await objects.remove('brief', {})).toBe(true);
      expect(await objects.remove('brief', {})).toBe(false);
      expect(await objects.read('brief')).toBeNull();
    });

    test.each([
      ['a name and a folder of it', ['a', 'a/b', 'a/b/c', 'a@1/b', 'a%/b', 'a.b']],
      ['names that differ by case', ['Model', 'model', 'MODEL', 'Dir/x', 'dir/x']],
      ['names of the store itself', ['.index.sqlite', '.index.sqlite-wal', '~', '~/x', '.hidden/.x']],
      ['other alphabets and both forms of é', ['München', 'é', 'e\u0301', '模型/一', '🚀', 'a b', 'a\\b', 'con', 'x.']],
      ['long ones', ['x'.repeat(1024), `${'y/'.repeat(511)}zz`, `${'ü'.repeat(512)}`, 'z'.repeat(201)]],
    ])('keeps apart %s', async (_, names) => {
      for (const at of names) await objects.write(at, text(`content of ${at}`), { generationMatch: '0' });
      for (const at of names) expect(await read(at)).toBe(`content of ${at}`);
      const sorted = [...names].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      expect((await objects.list('')).map((entry) => entry.name)).toEqual(sorted);
      for (const at of names) expect(await objects.remove(at, {})).toBe(true);
      expect(await objects.list('')).toEqual([]);
    });

    test.each([
      [''],
      ['/etc/passwd'],
      ['..'],
      ['../up'],
      ['a/../../b'],
      ['a/..'],
      ['.'],
      ['a/./b'],
      ['a//b'],
      ['a/'],
      ['nul\0'],
      ['line\nbreak'],
      ['del\u007f'],
      ['c1\u0085'],
      ['lone \ud800'],
      ['x'.repeat(1025)],
      ['ü'.repeat(513)],
    ])('refuses the name %j at every door', async (at) => {
      expect(await codeOf(objects.write(at, text('x'), {}))).toBe('object_name_invalid');
      expect(await codeOf(objects.writeMetadata(at, {}, {}))).toBe('object_name_invalid');
      expect(await codeOf(objects.read(at))).toBe('object_name_invalid');
      expect(await codeOf(objects.readUnless(at, '1'))).toBe('object_name_invalid');
      expect(await codeOf(objects.remove(at, {}))).toBe('object_name_invalid');
      expect(await objects.list('')).toEqual([]);
    });

    describe('list', () => {
      const names = ['a', 'a%b', 'a*b', 'a/1', 'a/2', 'a[b', 'a_b', 'b', 'ab', 'a\u{10ffff}', 'a\uffee', 'é'];
      const sorted = [...names].sort((x, y) => Buffer.compare(Buffer.from(x), Buffer.from(y)));
      const listed = async (...args: Parameters<Objects['list']>): Promise<string[]> =>
        (await objects.list(...args)).map((entry) => entry.name);
      beforeEach(async () => {
        for (const at of names) await objects.write(at, text(at), {}, { of: 'list' });
      });

      test('is in the order of UTF-8 bytes', async () => {
        expect(await listed('')).toEqual(sorted);
      });

      test.each(['a', 'a%', 'a_', 'a*', 'a[', 'a/', 'é', 'a\u{10ffff}', 'c', '../', '/'])(
        'takes the prefix %j literally',
        async (prefix) => {
          expect(await listed(prefix)).toEqual(sorted.filter((at) => at.startsWith(prefix)));
        },
      );

      test('pages through everything once', async () => {
        const pages: string[] = [];
        for (let after = ''; ; ) {
          const page = await listed('a', { limit: 3, after });
          expect(page.length).toBeLessThanOrEqual(3);
          if (page.length === 0) break;
          pages.push(...page);
          after = page.at(-1) ?? '';
        }
        expect(pages).toEqual(sorted.filter((at) => at.startsWith('a')));
      });

      test('starts after a name that need not exist, or that the prefix rules out', async () => {
        expect(await listed('', { after: 'a/15' })).toEqual(
          sorted.filter((at) => Buffer.compare(Buffer.from(at), Buffer.from('a/15')) > 0),
        );
        expect(await listed('a/', { after: 'Z' })).toEqual(['a/1', 'a/2']);
        expect(await listed('a/', { after: 'z' })).toEqual([]);
      });

      test('answers versions without bytes', async () => {
        const found = await objects.read('a/1');
        const [entry] = await objects.list('a/1');
        expect({ ...entry, bytes: text('a/1') }).toEqual({ name: 'a/1', ...found });
      });
    });

    test('two clients see one store, and it outlives them', async () => {
      const other = await fixture.open();
      const first = await objects.write('shared', text('one'), {});
      expect(await read('shared', other)).toBe('one');
      await other.write('shared', text('two'), { generationMatch: first.generation });
      expect(await codeOf(objects.write('shared', text('three'), { generationMatch: first.generation }))).toBe(
        'object_precondition_failed',
      );
      await other.close();
      const reopened = await fixture.open();
      expect(await read('shared', reopened)).toBe('two');
      await reopened.close();
    });

    test('of many creators at once, one wins', async () => {
      const results = await Promise.allSettled(
        Array.from({ length: 20 }, (_, i) => objects.write('race', text(`writer ${i}`), { generationMatch: '0' })),
      );
      const winners = results.flatMap((result, i) => (result.status === 'fulfilled' ? [i] : []));
      expect(winners).toHaveLength(1);
      expect(await read('race')).toBe(`writer ${winners[0]}`);
    });

    test('a reader beside a writer sees whole contents only', async () => {
      const contents = Array.from({ length: 30 }, (_, i) => Buffer.alloc(1 + ((i * 7919) % 50_000), i));
      await objects.write('busy', contents[0] ?? Buffer.alloc(0), {});
      let writing = true;
      const writer = (async () => {
        for (const content of contents) await objects.write('busy', content, {});
        writing = false;
      })();
      let reads = 0;
      while (writing) {
        const bytes = Buffer.from((await objects.read('busy'))?.bytes ?? []);
        expect(contents.some((content) => content.equals(bytes))).toBe(true);
        reads += 1;
      }
      await writer;
      expect(reads).toBeGreaterThan(0);
    });

    test.skipIf(!damageable).each<[string, (bytes: Uint8Array) => Uint8Array | null, RegExp]>([
      ['a flipped bit', (bytes) => bytes.with(1, (bytes[1] ?? 0) ^ 4), /sha256|crc32c/],
      ['truncated', (bytes) => bytes.slice(0, -1), /expected 5 bytes, .* has 4/],
      ['lengthened', (bytes) => Uint8Array.of(...bytes, 0), /expected 5 bytes, .* has 6/],
      ['emptied', () => new Uint8Array(0), /expected 5 bytes, .* has 0/],
      ['missing', () => null, /missing/],
    ])(
      'what is damaged (%s) is never served, and waiting is not advised; a new write heals it',
      async (_, change, why) => {
        const { generation } = await objects.write('damaged', text('whole'), {});
        await fixture.damage('damaged', change);
        // One at a time: a rejection that nobody awaits yet would be an unhandled one.
        for (const ask of [() => objects.read('damaged'), () => objects.readUnless('damaged', '0')]) {
          const error = await ask().catch((reason: unknown) => reason);
          expect(error).toBeInstanceOf(RejectedError);
          expect(error).toMatchObject({
            code: 'object_damaged',
            message: expect.stringMatching(why),
            details: { name: 'damaged', generation },
            cause: expect.any(Error),
          });
        }
        expect(await objects.readUnless('damaged', generation)).toBe('unchanged');
        await objects.write('damaged', text('healed'), { generationMatch: generation });
        expect(await read('damaged')).toBe('healed');
        await fixture.damage('damaged', change);
        expect(await objects.remove('damaged', {})).toBe(true);
        expect(await read('damaged')).toBeNull();
      },
    );

    test('after close every operation fails with a code, and close is idempotent', async () => {
      const client = await fixture.open();
      const pending = client.write('last', text('words'), {});
      await client.close();
      await client.close();
      await pending;
      expect(await read('last')).toBe('words');
      expect(await codeOf(client.read('last'))).toBe('objects_unavailable');
      expect(await codeOf(client.write('last', text('x'), {}))).toBe('objects_unavailable');
    });

    test('behaves as a map with version numbers, whatever is asked', async () => {
      // A case is a walk of up to 25 operations on a store of its own, about 10 ms; the bar counts operations.
      await fc.assert(
        fc.asyncProperty(objectsModel.operations, async (operations) => {
          const one = await make();
          const client = await one.open();
          try {
            await objectsModel.run(client, operations);
          } finally {
            await client.close();
            await one.dispose();
          }
        }),
        { numRuns: Math.ceil(testCases / 40) },
      );
    });
  });
}
