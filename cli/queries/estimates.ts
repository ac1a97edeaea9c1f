import { RejectedError } from '#shared/errors.ts';
import type { EstimateQuery } from '#shared/ports/warehouse.ts';
import type { CataloguedQuery } from '#shared/queries/catalogue.ts';

export interface EstimatedQuery {
  readonly name: string;
  readonly purpose: string;
  readonly params: Readonly<Record<string, unknown>>;
  /** Of the columns and days that it reads; null: it was refused. */
  readonly bytes: number | null;
  readonly accuracy: string | null;
  readonly billed_bytes: number | null;
  readonly usd: number | null;
  /** Why it would not run; null: it would. */
  readonly refused: string | null;
}

const MIB = 1024 ** 2;
const TIB = 1024 ** 4;
/** Of each table of a query (https://cloud.google.com/bigquery/pricing, on-demand compute). */
const MIN_BILLED_BYTES = 10 * MIB;

/** What is billed of what is read. */
export const billedBytes = (bytes: number, tables: number): number =>
  bytes === 0 ? 0 : Math.max(Math.ceil(bytes / MIB) * MIB, Math.max(1, tables) * MIN_BILLED_BYTES);

/**
 * One after the other, for BigQuery limits how many are asked at once.
 * @throws TransientError warehouse_unavailable
 */
export async function estimateAll(
  catalogue: readonly CataloguedQuery[],
  estimate: EstimateQuery,
  nowMs: number,
  { usdPerTib, maxBytesBilled }: { readonly usdPerTib: number; readonly maxBytesBilled: number },
): Promise<readonly EstimatedQuery[]> {
  const found: EstimatedQuery[] = [];
  for (const query of catalogue) {
    const of = { name: query.name, purpose: query.purpose, params: query.params(nowMs) };
    try {
      const { bytes, tables, accuracy } = await query.estimate(estimate, nowMs);
      const billed = billedBytes(bytes, tables);
      found.push({
        ...of,
        bytes,
        accuracy,
        billed_bytes: billed,
        usd: (billed / TIB) * usdPerTib,
        refused: billed > maxBytesBilled ? `past AURORA_MAX_BYTES_BILLED, ${bytesText(maxBytesBilled)}` : null,
      });
    } catch (error) {
      if (!(error instanceof RejectedError)) throw error;
      found.push({ ...of, bytes: null, accuracy: null, billed_bytes: null, usd: null, refused: error.message });
    }
  }
  return found;
}

const UNITS = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];

export function bytesText(bytes: number): string {
  const unit = Math.min(UNITS.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  return unit === 0 ? `${bytes} bytes` : `${(bytes / 1024 ** unit).toFixed(1)} ${UNITS[unit]}`;
}
