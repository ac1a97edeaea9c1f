import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { bigqueryDialect, duckdbDialect } from '#shared/adapters/warehouse/dialects.ts';
import type { Dialect } from '#shared/ports/warehouse.ts';

interface Rendered {
  readonly name: string;
  readonly sql: (dialect: Dialect) => string;
  readonly params: { readonly shape: object };
}
const isQuery = (value: unknown): value is Rendered => typeof value === 'object' && value !== null && 'sql' in value;
const DIRECTORY = new URL('../../shared/queries/', import.meta.url);
/** Every query of the room: a new file needs no line here. */
const QUERIES = (
  await Promise.all(
    readdirSync(fileURLToPath(DIRECTORY)).map(async (file) => {
      const module: Record<string, unknown> = await import(new URL(file, DIRECTORY).href);
      return Object.values(module).filter(isQuery);
    }),
  )
).flat();

const bigquery = bigqueryDialect('project.dataset');

/** A dialect whose every fragment is a mark; `fill` puts a real dialect's fragments in their places, the inner ones first. */
function marking(): { dialect: Dialect; fill(text: string, real: Dialect): string } {
  const calls: ((real: Dialect) => string)[] = [];
  const mark = (call: (real: Dialect) => string): string => `\u27e8${calls.push(call) - 1}\u27e9`;
  const fill = (text: string, real: Dialect): string =>
    text.replace(/\u27e8(\d+)\u27e9/g, (_, index) => calls[Number(index)]?.(real) ?? '');
  return {
    fill,
    dialect: {
      // Reading the name is how a query would branch; none may.
      get name(): never {
        throw new Error('a query must not ask which engine it is for');
      },
      table: (name) => mark((real) => real.table(name)),
      param: (name) => mark((real) => real.param(name)),
      quantile: (expression, q) => mark((real) => real.quantile(fill(expression, real), q)),
      millisBetween: (from, to) => mark((real) => real.millisBetween(fill(from, real), fill(to, real))),
      timestamp: (expression) => mark((real) => real.timestamp(fill(expression, real))),
      jsonText: (column, path) => mark((real) => real.jsonText(column, path)),
      timestampText: (expression) => mark((real) => real.timestampText(fill(expression, real))),
      daysOfArrivals: (after) => mark((real) => real.daysOfArrivals(fill(after, real))),
      arrivalOrder: (alias) => mark((real) => real.arrivalOrder(alias)),
    },
  };
}

/** Functions and words before a parenthesis that both engines have; a new one is added once it is looked up in both manuals. */
const COMMON = [
  ...[
    'AND',
    'AS',
    'AVG',
    'CAST',
    'COALESCE',
    'COUNT',
    'COUNTIF',
    'DATE',
    'FLOOR',
    'FROM',
    'JOIN',
    'MAX',
    'MIN',
    'OVER',
    'ROW_NUMBER',
  ],
  ...['SELECT', 'WHERE'],
];

describe.each(QUERIES.map((query) => [query.name, query] as const))('%s', (_, query) => {
  test('is one text for both engines, save the fragments', () => {
    const { dialect, fill } = marking();
    const common = query.sql(dialect);
    expect(query.sql(duckdbDialect)).toBe(fill(common, duckdbDialect));
    expect(query.sql(bigquery)).toBe(fill(common, bigquery));
    const functions = [...common.matchAll(/([A-Za-z_]+)\s*\(/g)].map((match) => match[1]?.toUpperCase());
    expect(functions.filter((name) => name !== undefined && !COMMON.includes(name))).toEqual([]);
    expect(common).not.toMatch(/["`$@]|::/);
  });

  test('uses exactly the parameters that it declares', () => {
    const used = new Set([...query.sql(bigquery).matchAll(/@(\w+)/g)].map((match) => match[1]));
    expect([...used].sort()).toEqual(Object.keys(query.params.shape).sort());
  });
});

test('query names are unique', () => {
  expect(new Set(QUERIES.map((query) => query.name)).size).toBe(QUERIES.length);
});

describe('dialects', () => {
  test('BigQuery has its own words for the same fragments', () => {
    expect(bigquery.table('t')).toBe('`project.dataset.t`');
    expect(bigquery.param('limit')).toBe('@limit');
    expect(bigquery.quantile('x', 0.95)).toBe('APPROX_QUANTILES(x, 1000)[OFFSET(950)]');
    expect(bigquery.millisBetween('a', 'b')).toBe('TIMESTAMP_DIFF(b, a, MILLISECOND)');
    expect(bigquery.timestamp('@at')).toBe('TIMESTAMP(@at)');
    expect(bigquery.jsonText('request', '$.a.b')).toBe("JSON_VALUE(request, '$.a.b')");
    expect(bigquery.timestampText('at')).toBe("FORMAT_TIMESTAMP('%Y-%m-%dT%H:%M:%E6SZ', at, 'UTC')");
    expect(bigquery.arrivalOrder('t')).toBe('t.ingested_at');
  });

  test.each([duckdbDialect, bigquery])('$name takes names and paths only, never SQL', (dialect) => {
    for (const bad of ['', 'a b', 'a"b', 'a`b', "a'b", 'a;b', '1a']) {
      expect(() => dialect.table(bad)).toThrow('expected an identifier');
      expect(() => dialect.param(bad)).toThrow('expected an identifier');
      expect(() => dialect.arrivalOrder(bad)).toThrow('expected an identifier');
      expect(() => dialect.jsonText('c', `$.${bad}`)).toThrow('expected $.a.b');
    }
    for (const q of [-0.1, 1.1, Number.NaN]) expect(() => dialect.quantile('x', q)).toThrow('expected a quantile');
    expect(() => bigqueryDialect('a`b')).toThrow('expected project.dataset');
  });
});
