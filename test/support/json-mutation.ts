import fc from 'fast-check';
import { anyText } from './text.ts';

/** JSON values as an author might mistype them, and as none ever would. */
const oddValue: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(
    null,
    true,
    '',
    'x',
    '__proto__',
    'global',
    [],
    {},
    0,
    -1,
    0.5,
    1,
    2,
    24,
    1e-300,
    1e6,
    1e308,
    -1e308,
    -0,
  ),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  anyText({ maxLength: 8 }),
  fc.jsonValue({ maxDepth: 2 }),
);

const oddKey = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', 'toString', 'truth', 'kind', 'type', 'share', ''),
  anyText({ maxLength: 8 }),
);

type Change = { readonly at: readonly number[] } & (
  | { readonly kind: 'set' | 'insert'; readonly value: unknown; readonly key: string }
  | { readonly kind: 'scale'; readonly factor: number }
  | { readonly kind: 'remove' }
);

const at = fc.array(fc.nat(50), { maxLength: 7 });
const change: fc.Arbitrary<Change> = fc.oneof(
  fc.record({ kind: fc.constantFrom('set' as const, 'insert' as const), at, value: oddValue, key: oddKey }),
  fc.record({
    kind: fc.constant('scale' as const),
    at,
    factor: fc.constantFrom(0.5, 2, 0.1, 10, 1e-3, 1e3, 1e-9, 1e9),
  }),
  fc.record({ kind: fc.constant('remove' as const), at }),
);

/** The given JSON value with a few places of it changed, removed or added to; never the value itself. */
export const mutated = (original: unknown): fc.Arbitrary<unknown> =>
  fc.array(change, { minLength: 1, maxLength: 3 }).map((changes) => {
    let value: unknown = structuredClone(original);
    for (const one of changes) value = apply(value, one, one.at);
    // As it would come out of a file.
    return JSON.parse(JSON.stringify(value)) as unknown;
  });

/** Walks down by indices, each taken modulo what there is. */
function apply(value: unknown, one: Change, at: readonly number[]): unknown {
  const [index, ...deeper] = at;
  if (index === undefined || typeof value !== 'object' || value === null)
    return one.kind === 'remove' ? null : here(value, one);
  const keys = Object.keys(value);
  if (keys.length === 0) return value;
  const key = keys[index % keys.length] as string;
  const last = deeper.length === 0;
  if (Array.isArray(value)) {
    const copy = [...(value as unknown[])];
    if (last && one.kind === 'remove') copy.splice(Number(key), 1);
    else copy[Number(key)] = apply(copy[Number(key)], one, deeper);
    return copy;
  }
  const entries = Object.entries(value as Record<string, unknown>).filter(
    ([name]) => !(last && one.kind === 'remove' && name === key),
  );
  return Object.fromEntries(entries.map(([name, inner]) => [name, name === key ? apply(inner, one, deeper) : inner]));
}

function here(value: unknown, one: Exclude<Change, { kind: 'remove' }>): unknown {
  if (one.kind === 'scale') return typeof value === 'number' ? value * one.factor : value;
  if (one.kind === 'set' || typeof value !== 'object' || value === null) return one.value;
  if (Array.isArray(value)) return [...(value as unknown[]), one.value];
  return Object.fromEntries([...Object.entries(value as Record<string, unknown>), [one.key, one.value]]);
}
