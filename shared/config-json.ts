import type { z } from 'zod';
import { describeIssues } from './domain/events/codec.ts';
import { RejectedError } from './errors.ts';

export interface JsonSetting<T> {
  /** Name of the environment variable. */
  readonly variable: string;
  readonly schema: z.ZodType<T>;
  /** What the JSON is: `an object`. */
  readonly what: string;
}

/**
 * The JSON itself, or `@path` of a file that holds it. What is wrong is named by its place and never quoted: it may hold a key, also where
 * none belongs.
 * @throws RejectedError config_invalid
 */
export function parseJsonSetting<T>(
  { variable, schema, what }: JsonSetting<T>,
  given: string,
  readText: (path: string) => string,
): T {
  const path = given.startsWith('@') ? given.slice(1) : null;
  const where = path === null ? variable : `${variable}=${given}`;
  const invalid = (problem: string): RejectedError => new RejectedError('config_invalid', `${where}: ${problem}`);
  let json: unknown;
  try {
    json = JSON.parse(path === null ? given : readText(path));
  } catch (error) {
    // The parser's own words quote the text.
    if (error instanceof SyntaxError) throw invalid(`expected ${what}, or @ and the path of a file with one`);
    throw invalid(`cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
  }
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw invalid(describeIssues(parsed.error.issues));
}
