import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { RejectedError } from '#shared/errors.ts';
import { parseJson, readJson } from '#shared/runtime/parse-json.ts';
import { testCases } from '#test/support/cases.ts';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const refusal = (body: Uint8Array, schema: z.ZodType = z.unknown()): { code: string; message: string } => {
  try {
    parseJson(body, schema);
  } catch (error) {
    if (error instanceof RejectedError) return { code: error.code, message: error.message };
    throw error;
  }
  throw new Error('was accepted');
};

test('a refused value names the path, what was expected and what came', () => {
  const schema = z.object({ a: z.object({ b: z.array(z.number()) }) });
  expect(refusal(bytes('{"a":{"b":[1,"two"]}}'), schema)).toEqual({
    code: 'body_invalid',
    message: 'a.b.1: expected number, got "two"',
  });
  expect(refusal(bytes('{"a":{}}'), schema).message).toBe('a.b: expected array, got nothing');
  expect(refusal(bytes('{"b":1}'), z.strictObject({})).message).toBe('(root): Unrecognized key: "b"');
  expect(refusal(bytes('{"c":"z"}'), z.object({ c: z.enum(['x', 'y']) })).message).toBe(
    'c: expected one of "x"|"y", got "z"',
  );
  expect(refusal(bytes('[]'), schema).message).toContain('(root): ');
  expect(refusal(bytes(JSON.stringify({ a: 'x'.repeat(500) })), schema).message.length).toBeLessThan(200);
});

test('a value under a secret name is not quoted', () => {
  const { message } = refusal(bytes('{"api_key":17}'), z.object({ api_key: z.string() }));
  expect(message).not.toContain('17');
});

test('many problems are three and a count', () => {
  const { message } = refusal(bytes('[1,2,3,4,5]'), z.array(z.string()));
  expect(message).toMatch(/; and 2 more$/);
});

test.each([
  ['nothing', new Uint8Array(0), 'body_empty'],
  ['half a value', bytes('{"a":'), 'body_not_json'],
  ['two values', bytes('{} {}'), 'body_not_json'],
  ['a lone continuation byte', Uint8Array.of(0x22, 0x80, 0x22), 'body_not_json'],
  ['NaN', bytes('NaN'), 'body_not_json'],
] as const)('%s is refused', (_, body, code) => {
  expect(refusal(body).code).toBe(code);
});

test.each(['__proto__', 'constructor', 'prototype'])(
  'the key %s is refused at any depth and in any spelling, never as a value',
  (key) => {
    const escaped = `\\u00${key.charCodeAt(0).toString(16)}${key.slice(1)}`;
    for (const spelling of [key, escaped]) {
      expect(refusal(bytes(`{"${spelling}":1}`)).code).toBe('body_invalid');
      expect(refusal(bytes(`[{"a":[{"${spelling}":{}}]}]`)).code).toBe('body_invalid');
      expect(refusal(bytes(`{"${spelling}":1,"${spelling}":2}`)).code).toBe('body_invalid');
    }
    expect(readJson(bytes(`{"name":"${key}","${key}s":1}`))).toEqual({ name: key, [`${key}s`]: 1 });
  },
);

test('deep nesting is read or refused, never a crash', () => {
  const depth = 100_000;
  const deep = `${'['.repeat(depth)}{"__proto__":1}${']'.repeat(depth)}`;
  expect(refusal(bytes(deep)).code).toMatch(/^body_(invalid|not_json)$/);
});

test('law: whatever JSON writes is read back, unless it holds a reserved key', () => {
  const holds = (value: unknown): boolean =>
    typeof value === 'object' &&
    value !== null &&
    (['__proto__', 'constructor', 'prototype'].some((key) => !Array.isArray(value) && Object.hasOwn(value, key)) ||
      Object.values(value).some(holds));
  const key = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'constructor', 'prototype', 'a'));
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small' },
      fc.string(),
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.constant(null),
      tie('list'),
      tie('object'),
    ),
    list: fc.array(tie('tree'), { maxLength: 4 }),
    object: fc
      .array(fc.tuple(key, tie('tree')), { maxLength: 4 })
      .map((entries) => Object.fromEntries(entries.map(([name, value]) => [name, value]))),
  }));
  fc.assert(
    fc.property(tree, (value) => {
      const text = JSON.stringify(value);
      if (holds(value)) expect(refusal(bytes(text)).code).toBe('body_invalid');
      else expect(readJson(bytes(text))).toEqual(JSON.parse(text));
    }),
    { numRuns: testCases },
  );
});
