/**
 * What was measured, one JSON object a line, written as soon as it is known: a run that was stopped goes on where it stood.
 * A line counts for its job and for the code it was measured on; a cut last line counts for nothing.
 */
import { createHash } from 'node:crypto';
import { appendFileSync, mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { JobOf, Kind, LearningJob, LearningResult, ResultOf } from './jobs/index.ts';

/** The job and the result are what this code wrote: the key holds the hash of the code. */
const line = z.object({
  key: z.string(),
  seconds: z.number(),
  job: z.custom<LearningJob>((value) => typeof value === 'object' && value !== null),
  result: z.custom<LearningResult>((value) => typeof value === 'object' && value !== null),
});
export type Measured = z.output<typeof line>;

export interface Results {
  get(job: LearningJob): Measured | undefined;
  add(job: LearningJob, result: LearningResult, seconds: number): void;
}

/** @param sourcesOf hash of the code that a job depends on */
export function openResults(file: string, sourcesOf: (job: LearningJob) => string): Results {
  mkdirSync(dirname(file), { recursive: true });
  const keyOf = (job: LearningJob): string =>
    createHash('sha256')
      .update(JSON.stringify([sourcesOf(job), job]))
      .digest('hex')
      .slice(0, 16);
  const text = readIfThere(file);
  const known = new Map(
    text
      .split('\n')
      .flatMap(parsed)
      .map((measured) => [measured.key, measured]),
  );
  // What follows a cut line must not be lost with it.
  if (text !== '' && !text.endsWith('\n')) appendFileSync(file, '\n');
  return {
    get: (job) => known.get(keyOf(job)),
    add(job, result, seconds) {
      const measured: Measured = { key: keyOf(job), seconds, job, result };
      appendFileSync(file, `${JSON.stringify(measured)}\n`);
      known.set(measured.key, measured);
    },
  };
}

/** Results of one kind, in the order of the jobs. */
export const ofKind = <K extends Kind>(
  all: readonly Measured[],
  kind: K,
): readonly { readonly job: JobOf<K>; readonly result: ResultOf<K>; readonly seconds: number }[] =>
  all.flatMap(({ job, result, seconds }) =>
    job.kind === kind ? [{ job: job as JobOf<K>, result: result as ResultOf<K>, seconds }] : [],
  );

function parsed(text: string): Measured[] {
  try {
    const read = line.safeParse(JSON.parse(text));
    return read.success ? [read.data] : [];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
}
