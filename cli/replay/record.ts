/** The recorded decisions that `vm replay` reads: a CSV, and optionally what its providers and tenants were. */
import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { describeIssues } from '#shared/domain/events/codec.ts';
import { name, nonNegative, positive } from '#shared/domain/primitives.ts';
import { weights } from '#shared/domain/request.ts';
import { RejectedError } from '#shared/errors.ts';
import { unreadable } from '../unreadable.ts';
import { csvLines } from './csv-lines.ts';

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
    reason: z
      .string()
      .max(256)
      .regex(/^\P{Cc}*$/u, 'expected printable text'),
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

/** Lines in order, good and bad. @throws RejectedError file_unreadable; csv_invalid when it is not this CSV at all */
export async function* readRecord(path: string): AsyncGenerator<ReadLine> {
  const seen = new Map<string, number>();
  for await (const found of namedLines(path, RECORD_COLUMNS)) {
    if (!found.ok) {
      yield found;
      continue;
    }
    const { line, columns } = found;
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
  for await (const found of namedLines(path, METRICS_COLUMNS)) {
    if (!found.ok) throw new RejectedError('csv_invalid', `${path}, line ${found.line}: ${found.message}`);
    const parsed = metricsRow.safeParse(found.columns);
    if (!parsed.success)
      throw new RejectedError('csv_invalid', `${path}, line ${found.line}: ${describeIssues(parsed.error.issues)}`);
    rows.push(parsed.data);
  }
  return rows;
}

type NamedLine =
  | { readonly ok: true; readonly line: number; readonly columns: Readonly<Record<string, string | undefined>> }
  | { readonly ok: false; readonly line: number; readonly message: string };

/** The lines under the header, their fields by its names. @throws RejectedError file_unreadable; csv_invalid: not this header */
async function* namedLines(path: string, required: readonly string[]): AsyncGenerator<NamedLine> {
  let header: readonly string[] | undefined;
  for await (const { line, fields } of csvLines(path)) {
    if (header === undefined) {
      header = headerOf(path, fields, required);
    } else if (typeof fields === 'string') {
      yield { ok: false, line, message: fields };
    } else if (fields.length !== header.length) {
      // Nothing shifts silently into a neighbour.
      yield { ok: false, line, message: `expected ${header.length} fields, got ${fields.length}` };
    } else {
      yield { ok: true, line, columns: Object.fromEntries(header.map((column, index) => [column, fields[index]])) };
    }
  }
  if (header === undefined)
    throw new RejectedError('csv_invalid', `${path} is empty; expected a header with ${required.join(', ')}`);
}

function headerOf(path: string, fields: readonly string[] | string, required: readonly string[]): readonly string[] {
  if (typeof fields === 'string')
    throw new RejectedError('csv_invalid', `${path}: the header cannot be read: ${fields}`);
  const missing = required.filter((column) => !fields.includes(column));
  if (missing.length > 0)
    throw new RejectedError(
      'csv_invalid',
      `${path}: the header lacks ${missing.join(', ')}; it has ${fields.join(',').slice(0, 200)}`,
    );
  const repeated = fields.find((column, index) => fields.indexOf(column) !== index);
  if (repeated !== undefined)
    throw new RejectedError('csv_invalid', `${path}: the header has ${JSON.stringify(repeated.slice(0, 200))} twice`);
  return fields;
}

/** @throws RejectedError file_unreadable, file_invalid */
async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw unreadable(path, error);
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new RejectedError('file_invalid', `${path}: ${(error as Error).message}`, { cause: error });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw new RejectedError('file_invalid', `${path}: ${describeIssues(parsed.error.issues)}`);
  return parsed.data;
}
