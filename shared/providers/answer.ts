import type { z } from 'zod';
import { AuroraError, TransientError } from '#shared/errors.ts';
import { describeWithValues, readJson } from '#shared/runtime/parse-json.ts';

/** What a provider has answered. */
export interface Answer {
  /** Who and what for, as errors name it: "vast create". */
  readonly what: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Undefined: the body is no JSON. */
  readonly json: unknown;
  /** The beginning of the body in one line, without secrets. */
  readonly text: string;
}

const SHOWN_CHARACTERS = 160;

export function answerOf(
  what: string,
  status: number,
  headers: Answer['headers'],
  bytes: Uint8Array,
  redact: (text: string) => string,
): Answer {
  const said = new TextDecoder().decode(bytes);
  // Before anything is read or cut of it: half a secret would stay.
  const text = redact(said);
  return {
    what,
    status,
    headers,
    json: jsonOf(text === said ? bytes : new TextEncoder().encode(text)),
    text: shown(text),
  };
}

/** Undefined: none. */
function jsonOf(bytes: Uint8Array): unknown {
  try {
    return readJson(bytes);
  } catch (error) {
    if (error instanceof AuroraError) return undefined;
    throw error;
  }
}

/** Told of an answer that is no JSON at all: the next one may be. */
const UNREADABLE = { body: 'unreadable' };

/** @throws TransientError provider_answer_invalid */
export function parsedAnswer<T>({ what, json, text }: Answer, schema: z.ZodType<T>): T {
  if (json === undefined) throw unreadable(`${what}: expected JSON, got ${text === '' ? 'nothing' : text}`);
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new TransientError('provider_answer_invalid', `${what}: ${describeWithValues(parsed.error.issues, json)}`);
}

export const unreadable = (message: string): TransientError =>
  new TransientError('provider_answer_invalid', message, { details: UNREADABLE });

export const isUnreadable = (error: AuroraError): boolean => error.details === UNREADABLE;

function shown(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is taken out
  const line = text.replace(/[\u0000-\u0020\u007f]+/g, ' ').trim();
  return line.length > SHOWN_CHARACTERS ? `${line.slice(0, SHOWN_CHARACTERS)}…` : line;
}

export function redactor(secrets: readonly string[]): (text: string) => string {
  return (text) => secrets.reduce((rest, secret) => rest.replaceAll(secret, '[key]'), text);
}
