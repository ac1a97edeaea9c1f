/** How a suite says what an answer must hold, and what an answer lacks of it. */
import { z } from 'zod';
import { type Answer, fieldAt, jsonOf, shown } from './seen.ts';

const text = z.string().min(1).max(200);
const scalar = z.union([z.string().max(200), z.number(), z.boolean(), z.null()]);

/** With a slash at its beginning; what stands before it is the target's. */
export const path = z
  .string()
  .max(1_024)
  .regex(/^\/[^\s#]*$/, 'expected a path that begins with /');
const headerName = z.string().regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/, 'expected the name of a header');
export const requestHeaders = z.record(headerName, z.string().max(4_096));

/** A field of a JSON body; with neither `equals` nor `not`, it must be there. */
const field = z.strictObject({ path: text, equals: scalar.optional(), not: scalar.optional() });

export const expectedOfAnswer = {
  contains: z.array(text).max(16).default([]),
  lacks: z.array(text).max(16).default([]),
  json: z.array(field).max(32).default([]),
};

/** By what one knows the service: at least one of them. */
export const identity = z
  .strictObject({
    contains: z.array(text).max(16).default([]),
    json: z.array(field).max(16).default([]),
    header: z.strictObject({ name: headerName, equals: text }).optional(),
  })
  .refine(
    ({ contains, json, header }) => contains.length + json.length > 0 || header !== undefined,
    'expected contains, json or header',
  );

export interface Expected {
  readonly contains: readonly string[];
  readonly lacks?: readonly string[];
  readonly json: readonly z.infer<typeof field>[];
  readonly header?: { readonly name: string; readonly equals: string } | undefined;
}

export interface Lack {
  readonly expected: string;
  readonly got: string;
}

/** The first that does not hold; null: all do. */
export function lackOf(expected: Expected, answer: Answer): Lack | null {
  const lack = firstLack(expected, answer);
  return lack && { expected: shown(lack.expected, 250), got: lack.got };
}

function firstLack({ contains, lacks = [], json, header }: Expected, answer: Answer): Lack | null {
  const { body, headers } = answer;
  if (header !== undefined) {
    const got = headers[header.name.toLowerCase()];
    if (got !== header.equals) return { expected: `header ${header.name}: ${header.equals}`, got: shown(got) };
  }
  const missing = contains.find((part) => !body.includes(part));
  if (missing !== undefined) return { expected: `text ${missing}`, got: sizeOf(answer) };
  const unwanted = lacks.find((part) => body.includes(part));
  if (unwanted !== undefined) return { expected: `no text ${unwanted}`, got: 'it is there' };
  if (json.length === 0) return null;
  const root = jsonOf(body);
  if (root === undefined) return { expected: 'JSON', got: sizeOf(answer) };
  for (const { path: at, equals, not } of json) {
    const got = fieldAt(root, at);
    if (equals !== undefined && got !== equals) return { expected: `${at} = ${String(equals)}`, got: shown(got) };
    if (got === undefined) return { expected: `a field ${at}`, got: 'nothing' };
    if (not !== undefined && got === not) return { expected: `${at} other than ${String(not)}`, got: shown(got) };
  }
  return null;
}

const sizeOf = ({ body, headers }: Answer): string =>
  `${shown(headers['content-type'], 60)}, ${Buffer.byteLength(body)} bytes`;
