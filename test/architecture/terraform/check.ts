import { AssertionError, partialDeepStrictEqual } from 'node:assert';
import { localsIn, type Parsed } from './parsed.ts';

/** What must hold of the parsed terraform: one line for each breach, none when all is well. */
export interface Check {
  readonly says: string;
  readonly breaches: (parsed: Parsed) => readonly string[];
}

/** Whether all of `expected` is in `actual`: fields of objects, and elements of lists in their order. */
export function unlike(where: string, actual: unknown, expected: unknown): readonly string[] {
  try {
    partialDeepStrictEqual(actual, expected);
    return [];
  } catch (error) {
    if (!(error instanceof AssertionError)) throw error;
    return [`${where}: expected ${JSON.stringify(expected)}, got ${JSON.stringify(actual)}`];
  }
}

/** Both ways. */
export function differing(where: string, actual: Iterable<string>, expected: Iterable<string>): readonly string[] {
  const [there, wanted] = [new Set(actual), new Set(expected)];
  return [
    ...[...wanted].filter((name) => !there.has(name)).map((name) => `${where}: ${name} is missing`),
    ...[...there].filter((name) => !wanted.has(name)).map((name) => `${where}: ${name} is too much`),
  ];
}

/** A function as aurora/topology.tf has it. */
export interface FunctionSpec {
  readonly publishes: readonly string[];
  readonly reads: readonly string[];
  readonly writes: readonly string[];
  readonly queries: boolean;
  readonly appends: boolean;
  readonly keys: boolean;
  readonly secrets: readonly string[];
  readonly env: readonly string[];
  readonly every: string | null;
  readonly awaited: boolean;
  readonly always_on: boolean;
  readonly instances: { readonly min: number; readonly max: number };
  readonly parallel: number;
}

/** As `local.functions` merges them. */
export function functionsOf(parsed: Parsed): Readonly<Record<string, FunctionSpec>> {
  const { own = {}, usual } = localsIn(parsed, 'aurora') as {
    own?: Readonly<Record<string, Partial<FunctionSpec>>>;
    usual?: FunctionSpec;
  };
  return Object.fromEntries(Object.entries(own).map(([name, one]) => [name, { ...usual, ...one } as FunctionSpec]));
}
