/** A log for off-policy evaluation: JSON lines, each a logged decision. A bad line costs that line and is told by its number. */
import { z } from 'zod';
import { describeIssues } from '#shared/domain/events/codec.ts';
import type { Logged } from '#shared/learning/off-policy/logged.ts';
import { fileLineBytes } from '../line-bytes.ts';

export interface LogRow extends Logged {
  readonly logger: string | null;
  readonly segment: string | null;
}

export interface RefusedLine {
  readonly line: number;
  readonly message: string;
}

export interface Log {
  readonly rows: readonly LogRow[];
  readonly refused: readonly RefusedLine[];
  readonly refusedTotal: number;
}

const MAX_LINE_BYTES = 64 * 1024;
/** Refused lines that are told one by one. */
const REFUSED_LISTED = 20;
const REPORT_EVERY = 100_000;

const logLine = z.looseObject({
  reward: z.number(),
  propensity: z
    .number({ error: (issue) => (issue.input == null ? 'missing: without it nothing can be weighted' : undefined) })
    .gt(0)
    .max(1),
  target_probability: z.number().min(0).max(1),
  q_logged: z.number().nullish(),
  v_target: z.number().nullish(),
  logger: z.string().max(128).nullish(),
  segment: z.string().max(128).nullish(),
});

/** @param progress told the number of lines read, now and then. @throws RejectedError file_unreadable */
export async function readLog(path: string, progress: (lines: number) => void): Promise<Log> {
  const rows: LogRow[] = [];
  const refused: RefusedLine[] = [];
  let refusedTotal = 0;
  let line = 0;
  for await (const bytes of fileLineBytes(path, MAX_LINE_BYTES)) {
    line += 1;
    if (line % REPORT_EVERY === 0) progress(line);
    const read = bytes === null ? `longer than ${MAX_LINE_BYTES} bytes` : parseLine(bytes);
    if (read === null) continue;
    if (typeof read !== 'string') {
      rows.push(read);
      continue;
    }
    refusedTotal += 1;
    if (refused.length < REFUSED_LISTED) refused.push({ line, message: read });
  }
  return { rows, refused, refusedTotal };
}

/** Null: an empty line. Text: why it is refused. */
function parseLine(bytes: Buffer): LogRow | string | null {
  let value: unknown;
  try {
    const text = decoder.decode(bytes).trim();
    if (text === '') return null;
    value = JSON.parse(text);
  } catch (error) {
    return error instanceof SyntaxError ? `not JSON: ${error.message}` : 'not UTF-8';
  }
  const parsed = logLine.safeParse(value);
  if (!parsed.success) return describeIssues(parsed.error.issues);
  const row = parsed.data;
  return {
    reward: row.reward,
    propensity: row.propensity,
    targetProbability: row.target_probability,
    qLogged: row.q_logged ?? null,
    vTarget: row.v_target ?? null,
    logger: row.logger ?? null,
    segment: row.segment ?? null,
  };
}

const decoder = new TextDecoder('utf-8', { fatal: true });
