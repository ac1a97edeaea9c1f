/**
 * A CSV file line by line, each parsed on its own: a stray quote, a byte that is no UTF-8 or an endless line costs that line
 * and no other, and every line keeps its number. Hence no field may hold a line break.
 */
import { type CsvError, parse } from 'csv-parse/sync';
import { fileLineBytes } from '../line-bytes.ts';

export interface CsvLine {
  /** In the file, from 1. */
  readonly line: number;
  /** Or, as text, why it cannot be read. */
  readonly fields: readonly string[] | string;
}

/** A recorded decision is a few hundred bytes; past this it is no line of ours. */
const MAX_LINE_BYTES = 64 * 1024;

/**
 * Lines that are not empty, in order. LF or CRLF; a byte order mark is passed over.
 * @throws RejectedError file_unreadable
 */
export async function* csvLines(path: string): AsyncGenerator<CsvLine> {
  let line = 0;
  for await (const bytes of fileLineBytes(path, MAX_LINE_BYTES)) {
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
