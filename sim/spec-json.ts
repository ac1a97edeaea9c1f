/** What people write as JSON: specs of markets and of war games. Every mistake is named with its path. */
import type { z } from 'zod';
import { RejectedError } from '#shared/errors.ts';

/** @param source names the text in the message @throws RejectedError config_invalid */
export function parseText<T>(schema: z.ZodType<T>, text: string, source: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new RejectedError('config_invalid', `${source}: expected JSON (${reasonOf(cause)})`, { cause });
  }
  return checked(schema, value, source);
}

/** The same of a value that is in memory already. @throws RejectedError config_invalid */
export function checked<T>(schema: z.ZodType<T>, value: unknown, source: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new RejectedError('config_invalid', `${source}: ${result.error.issues.map(describe).join('; ')}`, {
    cause: result.error,
  });
}

/** `tenants[0].weights: Unrecognized key: "speed"`. */
function describe(issue: z.core.$ZodIssue): string {
  const path = issue.path.map((step, at) =>
    typeof step === 'number' ? `[${step}]` : at === 0 ? String(step) : `.${String(step)}`,
  );
  // A bad key says why only in its nested issues.
  const why = issue.code === 'invalid_key' ? issue.issues.map((nested) => nested.message).join(', ') : issue.message;
  return path.length === 0 ? why : `${path.join('')}: ${why}`;
}

/** A code where there is one: ENOENT says more than its message. */
export const reasonOf = (cause: unknown): string =>
  cause instanceof Error && 'code' in cause
    ? String(cause.code)
    : cause instanceof Error
      ? cause.message
      : String(cause);
