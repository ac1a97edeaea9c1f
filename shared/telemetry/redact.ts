/** Keys whose values never reach a log line, in any case and at any depth. */
const SECRET_KEYS: ReadonlySet<string> = new Set([
  'authorization',
  'cookie',
  'token',
  'api_key',
  'apikey',
  'secret',
  'password',
  'set-cookie',
  'x-api-key',
]);
const HIDDEN = '[redacted]';
/** Deeper values are cut: a log line is for reading, and a cycle must end. */
const MAX_DEPTH = 8;
const MAX_CAUSES = 4;

/** A copy that is safe to log: secrets hidden, errors as {type, code, message, stack, cause}, no cycle. */
export function redact(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return copyFields(fields, 0);
}

function copyFields(fields: Readonly<Record<string, unknown>>, depth: number): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  for (const key of Object.keys(fields)) {
    copy[key] = SECRET_KEYS.has(key.toLowerCase()) ? HIDDEN : copyValue(fields[key], depth + 1);
  }
  return copy;
}

function copyValue(value: unknown, depth: number): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error) return describeError(value, depth, 0);
  if (depth >= MAX_DEPTH) return '[deep]';
  if (Array.isArray(value)) return value.map((item) => copyValue(item, depth + 1));
  if (value instanceof Uint8Array) return `[${value.length} bytes]`;
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'invalid date' : value.toISOString();
  return copyFields(value as Record<string, unknown>, depth);
}

function describeError(error: Error, depth: number, causes: number): Record<string, unknown> {
  const { code, details } = error as Error & { readonly code?: unknown; readonly details?: unknown };
  return {
    type: error.name,
    ...(code === undefined ? undefined : { code }),
    message: error.message,
    ...(details === undefined ? undefined : { details: copyValue(details, depth + 1) }),
    stack: error.stack,
    ...(error.cause instanceof Error && causes < MAX_CAUSES
      ? { cause: describeError(error.cause, depth, causes + 1) }
      : undefined),
  };
}
