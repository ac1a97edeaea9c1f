import type { z } from 'zod';
import { RejectedError } from '#shared/errors.ts';

/**
 * Reads a body as one JSON value of the schema.
 * A key given twice counts with its last value, as JSON.parse has it. The keys __proto__, constructor and prototype are
 * refused at any depth, in any spelling.
 * @throws RejectedError body_empty, body_not_json, body_invalid
 */
export function parseJson<T>(body: Uint8Array, schema: z.ZodType<T>): T {
  const value = readJson(body);
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new RejectedError('body_invalid', describeWithValues(parsed.error.issues, value));
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** The JSON value of the bytes, without a reserved key. @throws RejectedError body_empty, body_not_json, body_invalid */
export function readJson(body: Uint8Array): unknown {
  if (body.length === 0) throw new RejectedError('body_empty', 'expected a JSON body, got no bytes');
  let text: string;
  let value: unknown;
  try {
    text = utf8.decode(body);
    value = JSON.parse(text);
  } catch (error) {
    throw new RejectedError('body_not_json', `expected JSON in UTF-8: ${(error as Error).message}`);
  }
  // A search of the text is 20 times cheaper than a walk of the value. An escape may spell any word, so it asks for the walk too.
  if (MAY_HOLD_RESERVED_KEY.test(text)) refuseReservedKeys(value);
  return value;
}

const MAY_HOLD_RESERVED_KEY = /__proto__|constructor|prototype|\\u/;
const RESERVED = ['__proto__', 'constructor', 'prototype'] as const;

/** Iterative: the depth of the value is the caller's choice. */
function refuseReservedKeys(root: unknown): void {
  const stack: unknown[] = [root];
  while (stack.length > 0) {
    const value = stack.pop();
    if (typeof value !== 'object' || value === null) continue;
    for (const key of RESERVED) {
      if (!Array.isArray(value) && Object.hasOwn(value, key))
        throw new RejectedError('body_invalid', `key ${JSON.stringify(key)} is reserved and never accepted`);
    }
    for (const child of Object.values(value)) stack.push(child);
  }
}

const SHOWN_ISSUES = 3;
const SHOWN_CHARACTERS = 64;
const SECRET_KEY = /authorization|cookie|token|api_?key|secret|password/i;

/** "path: problem, got value" of the first three problems. Values under keys that sound secret are not quoted. */
export function describeWithValues(issues: readonly z.core.$ZodIssue[], root: unknown): string {
  const shown = issues.slice(0, SHOWN_ISSUES).map(({ path, message, code }) => {
    const where = path.length === 0 ? '(root)' : path.map(String).join('.');
    // Whose keys they are says its place.
    if (code === 'unrecognized_keys') return `${where}: ${message}`;
    return `${where}: ${plain(message)}, got ${SECRET_KEY.test(where) ? '(not shown)' : quote(valueAt(root, path))}`;
  });
  const rest = issues.length - shown.length;
  return rest > 0 ? `${shown.join('; ')}; and ${rest} more` : shown.join('; ');
}

/** Zod's words without what kind of value came: the value itself follows. */
const plain = (message: string): string =>
  message.replace(/^Invalid (?:input|option): /, '').replace(/, received \w+$/, '');

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

function quote(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  const text = JSON.stringify(value);
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}
