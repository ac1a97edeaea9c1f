/** The recorded decisions that `vm replay` reads: a CSV, and optionally what its providers and tenants were. */
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { parse } from 'csv-parse';
import { z } from 'zod';
import { describeIssues } from '#shared/domain/events/codec.ts';
import { name, nonNegative, positive } from '#shared/domain/primitives.ts';
import { weights } from '#shared/domain/request.ts';
import { RejectedError } from '#shared/errors.ts';

const numeric = (schema: z.ZodType<number, number>) =>
  z.string().trim().min(1, 'expected a number, got nothing').transform(Number).pipe(schema);
const optional = <T>(schema: z.ZodType<T, string>) => z.union([z.literal('').transform(() => null), schema]);

/** One line. `accepted` 1 needs a provider, a price and a latency. */
export const recordedRow = z
  .object({
    /** Hours since --start. */
    step: numeric(z.int().min(0).max(10_000_000)),
    tenant_id: name,
    workload_type: name,
    gpu_type: name,
    gpu_hours: numeric(positive.max(1e6)),
    provider_id: optional(name),
    accepted: z.enum(['0', '1']).transform((text) => text === '1'),
    /** 0 where nothing was bought. */
    price_usd_per_hour: optional(numeric(nonNegative.max(1e6))),
    latency_ms: optional(numeric(nonNegative.max(1e7))),
    reason: z.string().max(256),
  })
  .refine(
    (row) =>
      !row.accepted || (row.provider_id !== null && (row.price_usd_per_hour ?? 0) > 0 && (row.latency_ms ?? 0) > 0),
    {
      message: 'an accepted row needs provider_id, and price_usd_per_hour and latency_ms above 0',
    },
  );
export type RecordedRow = z.infer<typeof recordedRow>;
export const RECORD_COLUMNS = [
  'step',
  'tenant_id',
  'workload_type',
  'gpu_type',
  'gpu_hours',
  'provider_id',
  'accepted',
  'price_usd_per_hour',
  'latency_ms',
  'reason',
] as const;

export interface RecordLine {
  /** In the file, the header being line 1. */
  readonly line: number;
  /** How often the very same line came before. */
  readonly occurrence: number;
  readonly text: string;
  readonly row: RecordedRow;
}

export type ReadLine =
  | { readonly ok: true; readonly value: RecordLine }
  | { readonly ok: false; readonly line: number; readonly message: string };

/** Lines in order, good and bad. @throws RejectedError csv_invalid when the file cannot be read as this CSV at all */
export async function* readRecord(path: string): AsyncGenerator<ReadLine> {
  const seen = new Map<string, number>();
  for await (const { columns, line } of csvLines(path, RECORD_COLUMNS)) {
    const text = RECORD_COLUMNS.map((column) => columns[column] ?? '').join(',');
    const parsed = recordedRow.safeParse(columns);
    if (!parsed.success) {
      yield { ok: false, line, message: describeIssues(parsed.error.issues) };
      continue;
    }
    const occurrence = seen.get(text) ?? 0;
    seen.set(text, occurrence + 1);
    yield { ok: true, value: { line, occurrence, text, row: parsed.data } };
  }
}

const provider = z.object({
  id: name,
  gpu_types: z.array(name),
  base_price_usd_per_hour: z.record(z.string(), positive),
  base_latency_ms: positive,
  capacity_gpu_hours_per_step: positive,
  reputation: nonNegative.max(100),
});
export type RecordedProvider = z.infer<typeof provider>;

const tenant = z.object({
  id: name,
  region: name,
  weights,
  min_reputation: nonNegative.max(100).nullable().default(null),
  max_latency_ms: positive.nullable().default(null),
});
export type RecordedTenant = z.infer<typeof tenant>;

export const readProviders = async (path: string): Promise<readonly RecordedProvider[]> =>
  (await readJson(path, z.object({ providers: z.array(provider) }))).providers;
export const readTenants = async (path: string): Promise<readonly RecordedTenant[]> =>
  (await readJson(path, z.object({ tenants: z.array(tenant) }))).tenants;

const metricsRow = z.object({
  step: numeric(z.int().min(0)),
  provider_id: name,
  active: z.enum(['0', '1']).transform((text) => text === '1'),
  effective_capacity: numeric(nonNegative),
  latency_ms: numeric(positive),
  price_A100: numeric(positive),
  reputation: numeric(nonNegative.max(100)),
});
export type ProviderMetrics = z.infer<typeof metricsRow>;
const METRICS_COLUMNS = [
  'step',
  'provider_id',
  'active',
  'effective_capacity',
  'latency_ms',
  'price_A100',
  'reputation',
] as const;

/** Every line must be good: a hole in the market would be read as "sells nothing". */
export async function readMetrics(path: string): Promise<readonly ProviderMetrics[]> {
  const rows: ProviderMetrics[] = [];
  for await (const { columns, line } of csvLines(path, METRICS_COLUMNS)) {
    const parsed = metricsRow.safeParse(columns);
    if (!parsed.success)
      throw new RejectedError('csv_invalid', `${path}, line ${line}: ${describeIssues(parsed.error.issues)}`);
    rows.push(parsed.data);
  }
  return rows;
}

interface CsvLine {
  readonly columns: Readonly<Record<string, string | undefined>>;
  readonly line: number;
}

const MAX_LINE_BYTES = 64 * 1024;

async function* csvLines(path: string, required: readonly string[]): AsyncGenerator<CsvLine> {
  const parser = createReadStream(path).pipe(
    parse({
      bom: true,
      info: true,
      relax_column_count: true,
      skip_empty_lines: true,
      max_record_size: MAX_LINE_BYTES,
      record_delimiter: ['\r\n', '\n'],
    }),
  );
  let header: readonly string[] | undefined;
  try {
    for await (const { record, info } of parser as AsyncIterable<{ record: string[]; info: { lines: number } }>) {
      if (header === undefined) {
        header = record;
        const missing = required.filter((column) => !record.includes(column));
        if (missing.length > 0)
          throw new RejectedError(
            'csv_invalid',
            `${path}: the header lacks ${missing.join(', ')}; it has ${record.join(',').slice(0, 200)}`,
          );
        continue;
      }
      const names = header;
      // A short or long line fails in its columns' own checks; nothing shifts silently into a neighbour.
      const columns =
        record.length === names.length ? Object.fromEntries(names.map((column, index) => [column, record[index]])) : {};
      yield { columns, line: info.lines };
    }
  } catch (error) {
    if (error instanceof RejectedError) throw error;
    throw new RejectedError('csv_invalid', `${path}: ${(error as Error).message}`, { cause: error });
  }
  if (header === undefined)
    throw new RejectedError('csv_invalid', `${path} is empty; expected a header with ${required.join(', ')}`);
}

async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    throw new RejectedError('usage', `${path}: ${(error as Error).message}`, { cause: error });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new RejectedError('usage', `${path}: ${describeIssues(parsed.error.issues)}`);
  return parsed.data;
}
