/**
 * A CSV file line by line, each parsed on its own: a stray quote, a byte that is no UTF-8 or an endless line costs that line
 * and no other, and every line keeps its number. Hence no field may hold a line break.
 */
import { createReadStream } from 'node:fs';
import { type CsvError, parse } from 'csv-parse/sync';
import { unreadable } from './unreadable.ts';

export interface CsvLine {
  /** In the file, from 1. */
  readonly line: number;
  /** Or, as text, why it cannot be read. */
  readonly fields: readonly string[] | string;
}

/** A recorded decision is a few hundred bytes; past this it is no line of ours. */
const MAX_LINE_BYTES = 64 * 1024;
const LF = 0x0a;

/**
 * Lines that are not empty, in order. LF or CRLF; a byte order mark is passed over.
 * @throws RejectedError file_unreadable
 */
export async function* csvLines(path: string): AsyncGenerator<CsvLine> {
  let line = 0;
  for await (const bytes of lineBytes(path)) {
    line += 1;
    const fields = bytes === null ? `longer than ${MAX_LINE_BYTES} bytes` : fieldsOf(bytes);
    if (fields !== null) yield { line, fields };
  }
}

/** Null: an empty line. */
function fieldsOf(bytes: Buffer): readonly string[] | string | null {
  let text: string;
  try {
    text = decoder.decode(bytes).replace(/\r$/, '');
  } catch {
    return 'not UTF-8';
  }
  if (text.trim() === '') return null;
  try {
    const records: string[][] = parse(text, { relax_column_count: true, record_delimiter: '\n' });
    return records[0] ?? null;
  } catch (error) {
    return inWords(error as CsvError);
  }
}

/** To the parser each line is line 1. */
function inWords({ code, message }: CsvError): string {
  if (code === 'CSV_QUOTE_NOT_CLOSED') return 'a quote is not closed within the line (no field may hold a line break)';
  return message.replace(' at line 1', '');
}

const decoder = new TextDecoder('utf-8', { fatal: true });

/** The bytes between line feeds; null for a line past the limit, of which no more than the limit is ever held. */
async function* lineBytes(path: string): AsyncGenerator<Buffer | null> {
  let held: Buffer[] = [];
  let size = 0;
  const take = (bytes: Buffer): void => {
    size += bytes.length;
    if (size <= MAX_LINE_BYTES) held.push(bytes);
    else held = [];
  };
  const flush = (): Buffer | null => {
    const whole = size > MAX_LINE_BYTES ? null : Buffer.concat(held);
    held = [];
    size = 0;
    return whole;
  };
  for await (const chunk of bytesOf(path)) {
    let from = 0;
    for (let end = chunk.indexOf(LF, from); end !== -1; end = chunk.indexOf(LF, from)) {
      take(chunk.subarray(from, end));
      yield flush();
      from = end + 1;
    }
    if (from < chunk.length) take(chunk.subarray(from));
  }
  if (size > 0) yield flush();
}

async function* bytesOf(path: string): AsyncGenerator<Buffer> {
  try {
    yield* createReadStream(path) as AsyncIterable<Buffer>;
  } catch (error) {
    throw unreadable(path, error);
  }
}
