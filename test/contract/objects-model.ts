import fc from 'fast-check';
import { expect } from 'vitest';
import { AuroraError } from '#shared/errors.ts';
import type { Objects, ObjectVersion, Precondition } from '#shared/ports/objects.ts';

/** A generation as an operation names it: none, the live one of the object, or the nth that was ever given out. */
type Reference = 'zero' | 'live' | number;
interface When {
  readonly generationMatch?: Reference | undefined;
  readonly generationNotMatch?: Reference | undefined;
}
type Operation =
  | { readonly do: 'write'; readonly name: string; readonly bytes: Uint8Array; readonly when: When }
  | { readonly do: 'writeMetadata'; readonly name: string; readonly tag: string; readonly when: When }
  | { readonly do: 'remove'; readonly name: string; readonly when: When }
  | { readonly do: 'read'; readonly name: string }
  | { readonly do: 'readUnless'; readonly name: string; readonly unless: Reference }
  | { readonly do: 'list'; readonly prefix: string; readonly limit: number; readonly after: string };

// Few names, so that operations meet; each is a folder, a prefix or a look-alike of another.
const name = fc.constantFrom('a', 'a/b', 'a/b/c', 'a%', 'a_b', 'A', 'é', 'b/🚀');
const reference = fc.oneof(
  fc.constant<Reference>('zero'),
  fc.constant<Reference>('live'),
  fc.nat(12).map((n): Reference => n),
);
const when = fc.record(
  { generationMatch: reference, generationNotMatch: reference },
  { requiredKeys: [] },
) satisfies fc.Arbitrary<When>;

const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ do: fc.constant('write' as const), name, bytes: fc.uint8Array({ maxLength: 64 }), when }),
  fc.record({ do: fc.constant('writeMetadata' as const), name, tag: fc.string(), when }),
  fc.record({ do: fc.constant('remove' as const), name, when }),
  fc.record({ do: fc.constant('read' as const), name }),
  fc.record({ do: fc.constant('readUnless' as const), name, unless: reference }),
  fc.record({
    do: fc.constant('list' as const),
    prefix: fc.constantFrom('', 'a', 'a/', 'a%', 'A', 'é', 'zz'),
    limit: fc.integer({ min: 1, max: 9 }),
    after: fc.oneof(fc.constant(''), name),
  }),
);

interface ModelObject {
  readonly version: ObjectVersion;
  readonly bytes: Uint8Array;
}

async function run(objects: Objects, operations: readonly Operation[]): Promise<void> {
  const model = new Map<string, ModelObject>();
  const given: string[] = [];

  const resolve = (at: string, wanted: Reference): string => {
    if (wanted === 'zero') return '0';
    const live = model.get(at)?.version.generation ?? '0';
    return wanted === 'live' ? live : (given[wanted] ?? live);
  };
  const conditions = (at: string, wanted: When): Precondition => ({
    ...(wanted.generationMatch === undefined ? {} : { generationMatch: resolve(at, wanted.generationMatch) }),
    ...(wanted.generationNotMatch === undefined ? {} : { generationNotMatch: resolve(at, wanted.generationNotMatch) }),
  });
  const holds = (at: string, { generationMatch, generationNotMatch }: Precondition): boolean => {
    const live = model.get(at)?.version.generation ?? '0';
    return (generationMatch ?? live) === live && generationNotMatch !== live;
  };
  const outcome = async <T>(promise: Promise<T>): Promise<T | string> => {
    try {
      return await promise;
    } catch (error) {
      if (error instanceof AuroraError) return error.code;
      throw error;
    }
  };

  for (const step of operations) {
    switch (step.do) {
      case 'write': {
        const precondition = conditions(step.name, step.when);
        const got = await outcome(objects.write(step.name, step.bytes, precondition));
        if (!holds(step.name, precondition)) {
          expect(got).toBe('object_precondition_failed');
          break;
        }
        expect(got).toMatchObject({ size: step.bytes.byteLength, metageneration: '1', metadata: {} });
        const version = got as ObjectVersion;
        expect(given).not.toContain(version.generation);
        given.push(version.generation);
        model.set(step.name, { version, bytes: step.bytes });
        break;
      }
      case 'writeMetadata': {
        const precondition = conditions(step.name, step.when);
        const got = await outcome(objects.writeMetadata(step.name, { tag: step.tag }, precondition));
        const live = model.get(step.name);
        if (!holds(step.name, precondition)) {
          expect(got).toBe('object_precondition_failed');
        } else if (live === undefined) {
          expect(got).toBe('not_found');
        } else {
          const metageneration = String(Number(live.version.metageneration) + 1);
          const version = { ...live.version, metageneration, metadata: { tag: step.tag } };
          expect(got).toEqual(version);
          model.set(step.name, { ...live, version });
        }
        break;
      }
      case 'remove': {
        const precondition = conditions(step.name, step.when);
        const allowed = holds(step.name, precondition);
        const got = await outcome(objects.remove(step.name, precondition));
        expect(got).toBe(allowed ? model.has(step.name) : 'object_precondition_failed');
        if (allowed) model.delete(step.name);
        break;
      }
      case 'read':
        expect(await objects.read(step.name)).toEqual(flat(model.get(step.name)));
        break;
      case 'readUnless': {
        const unless = resolve(step.name, step.unless);
        const live = model.get(step.name);
        const unchanged = live?.version.generation === unless;
        expect(await objects.readUnless(step.name, unless)).toEqual(unchanged ? 'unchanged' : flat(live));
        break;
      }
      case 'list': {
        const expected = [...model]
          .filter(([at]) => at.startsWith(step.prefix) && bytesOrder(at, step.after) > 0)
          .sort(([x], [y]) => bytesOrder(x, y))
          .slice(0, step.limit)
          .map(([at, { version }]) => ({ name: at, ...version }));
        expect(await objects.list(step.prefix, { limit: step.limit, after: step.after })).toEqual(expected);
        break;
      }
      default:
        step satisfies never;
    }
  }
}

const flat = (live: ModelObject | undefined) => (live === undefined ? null : { ...live.version, bytes: live.bytes });
const bytesOrder = (x: string, y: string): number => Buffer.compare(Buffer.from(x), Buffer.from(y));

/** The store as a map from name to bytes and version, and random walks over both. */
export const objectsModel = { operations: fc.array(operation, { minLength: 1, maxLength: 25 }), run };
