import { RejectedError } from '#shared/errors.ts';

/** Of a decision's nesting (about 6), ten times over; a cycle ends here too. */
const MAX_DEPTH = 64;
const MAX_KEY_BYTES = 1024;

/**
 * The JSON text of a value that will be read back as it was written: null, booleans, finite numbers, strings, arrays and plain
 * objects of these. JSON.stringify would drop undefined and turn NaN and Date into something else without a word.
 * @throws RejectedError state_entry_invalid, naming the place
 */
function encodeValue(key: string, value: unknown): string {
  // The place is looked for only when there is a fault: to name each place on the way is two thirds of the work.
  const fault = isJson(value, 0) ? null : faultOf(value, '$', 0);
  if (fault !== null) throw new RejectedError('state_entry_invalid', `state ${JSON.stringify(key)}: ${fault}`);
  return JSON.stringify(value);
}

/** @throws RejectedError state_entry_invalid */
export function checkKey(key: string): void {
  const bytes = Buffer.byteLength(key);
  if (bytes >= 1 && bytes <= MAX_KEY_BYTES && checkable(key)) return;
  throw new RejectedError(
    'state_entry_invalid',
    `state key ${JSON.stringify(key.slice(0, 80))}: expected 1 to ${MAX_KEY_BYTES} bytes of well-formed Unicode without NUL, got ${bytes}`,
  );
}

/** The text of the value of an entry that may be written. @throws RejectedError state_entry_invalid */
export function checkedEntry(key: string, value: unknown, ttlMs: number | undefined): string {
  checkKey(key);
  if (ttlMs !== undefined && !(Number.isFinite(ttlMs) && ttlMs > 0)) {
    throw new RejectedError('state_entry_invalid', `state ${JSON.stringify(key)}: expected ttlMs > 0, got ${ttlMs}`);
  }
  return encodeValue(key, value);
}

/** @throws RejectedError state_entry_invalid */
export function checkPage(prefix: string, after = ''): void {
  if (![prefix, after].every(checkable))
    throw new RejectedError('state_entry_invalid', 'list: expected well-formed text');
}

/** SQLite's text functions end at a NUL, and a lone surrogate is stored as U+FFFD: two keys would become one. */
const checkable = (text: string): boolean => text.isWellFormed() && !text.includes('\0');

function isJson(value: unknown, depth: number): boolean {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || depth > MAX_DEPTH) return false;
  if (Array.isArray(value)) {
    // By index: a hole is undefined, and every() would skip it.
    for (let i = 0; i < value.length; i += 1) if (!isJson(value[i], depth + 1)) return false;
    return true;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  for (const name of Object.keys(value))
    if (!isJson((value as Readonly<Record<string, unknown>>)[name], depth + 1)) return false;
  return true;
}

function faultOf(value: unknown, path: string, depth: number): string | null {
  if (depth > MAX_DEPTH) return `expected at most ${MAX_DEPTH} levels (a cycle?) at ${path.slice(0, 80)}`;
  switch (typeof value) {
    case 'boolean':
    case 'string':
      return null;
    case 'number':
      return Number.isFinite(value) ? null : `expected a finite number at ${path}, got ${value}`;
    case 'object':
      return value === null ? null : faultInside(value, path, depth);
    default:
      return `expected a JSON value at ${path}, got ${typeof value}`;
  }
}

function faultInside(value: object, path: string, depth: number): string | null {
  if (Array.isArray(value)) {
    for (let i = 0; i < value.length; i += 1) {
      const fault = faultOf(value[i], `${path}[${i}]`, depth + 1);
      if (fault !== null) return fault;
    }
    return null;
  }
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    return `expected a plain object at ${path}, got ${value.constructor?.name ?? 'a foreign prototype'}`;
  }
  for (const [name, member] of Object.entries(value)) {
    const fault = faultOf(member, `${path}.${name}`, depth + 1);
    if (fault !== null) return fault;
  }
  return null;
}
