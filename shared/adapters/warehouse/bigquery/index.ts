/**
 * The warehouse on BigQuery: streaming inserts and named queries through the official client, which is loaded with the first.
 * Tables, views and their expiry are the infrastructure's (terraform/), from the same generated schemas as DuckDB's.
 *
 * An append is idempotent by the views: a row that is appended again is a duplicate, and the first counts. `insertId` spares the
 * table most of them for about a minute. Of one append an event goes once: its first row.
 */
import type { BigQuery, Query } from '@google-cloud/bigquery';
import { z } from 'zod';
import {
  BIGQUERY_APPEND_DEADLINE_MS,
  BIGQUERY_INSERT_BYTES,
  BIGQUERY_INSERT_ROWS,
  BIGQUERY_PAGE_ROWS,
  BIGQUERY_QUERY_DEADLINE_MS,
} from '#shared/defaults.ts';
import { columnsOf } from '#shared/domain/columns.ts';
import { TABLES } from '#shared/domain/events/schemas.ts';
import type { TableName } from '#shared/domain/tables.ts';
import { RejectedError, TransientError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import type { Cell, EstimateQuery, NamedQuery, Row, Warehouse } from '#shared/ports/warehouse.ts';
import { inUse } from '../../client/in-use.ts';
import { within } from '../../client/waits.ts';
import { bigqueryDialect } from '../dialects.ts';
import { type Params, parseParams, parseRow } from '../named-query.ts';
import { rowEncoder } from '../row-encoder.ts';
import { columnEncoder, integerIn, type JsonCell, toCell } from './cells.ts';
import { estimateIn } from './estimate.ts';
import { insertFailure, queryFailure } from './failures.ts';

export interface BigqueryOptions {
  readonly projectId: string;
  readonly dataset: string;
  /** Of the dataset, e.g. EU. */
  readonly location: string;
  /** Origin of the REST API; null: Google's own, with the ambient identity. Another is asked without credentials. */
  readonly endpoint: string | null;
  readonly hostClock: HostClock;
  /** A query that would read more is refused before it costs anything. */
  readonly maxBytesBilled: number;
}

/** A row of an append, as the client sends it, untouched. */
interface Entry {
  /** Its number in the append. */
  readonly row: number;
  readonly insertId: string;
  readonly json: Readonly<Record<string, JsonCell | null>>;
}

/** Also says what a query would read, by a dry run, which is free. */
export interface BigqueryWarehouse extends Warehouse {
  readonly estimate: EstimateQuery;
}

export function createBigqueryWarehouse(options: BigqueryOptions): BigqueryWarehouse {
  const { dataset, location, hostClock, maxBytesBilled } = options;
  const dialect = bigqueryDialect(`${options.projectId}.${dataset}`);
  const encoders = new Map(
    TABLES.map(({ name, columns }) => [name, { columns, encode: rowEncoder(name, columns.map(columnEncoder)) }]),
  );
  const life = inUse((doing) => new TransientError('warehouse_unavailable', `${doing}: the warehouse is closed`));
  let opening: Promise<BigQuery> | undefined;

  const client = (): Promise<BigQuery> => {
    opening ??= open(options);
    return opening;
  };
  const entriesOf = (table: TableName, rows: readonly Row[]): readonly Entry[] => {
    const known = encoders.get(table);
    if (known === undefined)
      throw new RejectedError('row_invalid', `there is no table ${JSON.stringify(table)} in the warehouse`);
    const encoded = rows.map((row, index) => {
      const values = known.encode(row, index);
      return {
        row: index,
        insertId: String(row['event_id']),
        json: Object.fromEntries(known.columns.map(({ name }, at) => [name, values[at] ?? null])),
      };
    });
    const seen = new Set<string>();
    return encoded.filter(({ insertId }) => seen.size < seen.add(insertId).size);
  };
  const insert = async (table: TableName, entries: readonly Entry[]): Promise<void> => {
    try {
      const bigquery = await client();
      await within(hostClock, BIGQUERY_APPEND_DEADLINE_MS, () =>
        // Raw and without retries of its own: those would send the rows that failed under new random ids.
        bigquery
          .dataset(dataset)
          .table(table)
          .insert(
            entries.map(({ insertId, json }) => ({ insertId, json })),
            { raw: true, partialRetries: 0, skipInvalidRows: true },
          ),
      );
    } catch (error) {
      throw insertFailure(table, (index) => entries[index]?.row ?? index, error);
    }
  };

  const textOf = <P extends Params>(query: NamedQuery<P, unknown>, params: P): Query => ({
    query: query.sql(dialect),
    params: parseParams(query, params),
    types: typesOf(query),
    maximumBytesBilled: `${maxBytesBilled}`,
    location,
  });
  const cellsOf = (row: Readonly<Record<string, unknown>>): Record<string, Cell> =>
    Object.fromEntries(Object.entries(row).map(([name, value]) => [name, toCell(value)]));

  async function* stream<P extends Params, R>(query: NamedQuery<P, R>, params: P): AsyncGenerator<readonly R[]> {
    const text = textOf(query, params);
    // A job's result is a table of its own: what is appended meanwhile is not in it.
    const job = await life.during(`query ${query.name}`, async () => (await (await client()).createQueryJob(text))[0]);
    let pageToken: string | undefined;
    do {
      const [rows, next] = await life.during(`query ${query.name}`, () =>
        within(hostClock, BIGQUERY_QUERY_DEADLINE_MS, () =>
          job.getQueryResults({
            autoPaginate: false,
            maxResults: BIGQUERY_PAGE_ROWS,
            wrapIntegers,
            ...(pageToken === undefined ? {} : { pageToken }),
          }),
        ),
      );
      if (rows.length > 0) yield rows.map((row) => parseRow(query, cellsOf(row)));
      pageToken = (next as { pageToken?: string } | null)?.pageToken;
    } while (pageToken !== undefined);
  }
  async function* streamed<P extends Params, R>(query: NamedQuery<P, R>, params: P): AsyncGenerator<readonly R[]> {
    try {
      yield* stream(query, params);
    } catch (error) {
      throw queryFailure(query.name, error);
    }
  }

  return {
    async append(table, rows) {
      if (rows.length === 0) return;
      await life.during(`append to ${table}`, async () => {
        const entries = entriesOf(table, rows);
        for (const { from, to } of requestsOf(entries)) await insert(table, entries.slice(from, to));
      });
    },
    async query(query, params) {
      const text = textOf(query, params);
      try {
        const [rows] = await life.during(`query ${query.name}`, async () => {
          const bigquery = await client();
          return await within(hostClock, BIGQUERY_QUERY_DEADLINE_MS, () => bigquery.query({ ...text, wrapIntegers }));
        });
        return rows.map((row: Record<string, unknown>) => parseRow(query, cellsOf(row)));
      } catch (error) {
        throw queryFailure(query.name, error);
      }
    },
    stream: streamed,
    async estimate(query, params) {
      // Without the cap: what would be refused for it has a size too.
      const { maximumBytesBilled: _, ...text } = textOf(query, params);
      try {
        const [job] = await life.during(`estimate of ${query.name}`, async () => {
          const bigquery = await client();
          return await within(hostClock, BIGQUERY_QUERY_DEADLINE_MS, () =>
            bigquery.createQueryJob({ ...text, dryRun: true, useQueryCache: false }),
          );
        });
        return estimateIn(job.metadata);
      } catch (error) {
        throw queryFailure(query.name, error);
      }
    },
    async close() {
      await life.end();
    },
  };
}

async function open({ projectId, location, endpoint }: BigqueryOptions): Promise<BigQuery> {
  const { BigQuery } = await import('@google-cloud/bigquery');
  if (endpoint === null) return new BigQuery({ projectId, location });
  const { PassThroughClient } = await import('google-auth-library');
  return new BigQuery({ projectId, location, apiEndpoint: endpoint, authClient: new PassThroughClient() });
}

/** The client would round a whole number past 2^53 without a word. */
const wrapIntegers = { integerTypeCastFunction: integerIn };

/** A null has no type of its own, and a whole number could be either; instants travel as text, which the query reads. */
function typesOf({ params }: NamedQuery<Params, unknown>): Record<string, string> {
  if (!(params instanceof z.ZodObject)) throw new Error('expected the parameters of a query as an object');
  return Object.fromEntries(
    columnsOf(params).map(({ name, type }) => [name, type === 'TIMESTAMP' || type === 'JSON' ? 'STRING' : type]),
  );
}

/** Runs of rows that fit one request, in bytes and in number. */
function requestsOf(entries: readonly Entry[]): readonly { readonly from: number; readonly to: number }[] {
  const requests: { from: number; to: number }[] = [];
  let from = 0;
  let bytes = 0;
  entries.forEach((entry, index) => {
    const size = Buffer.byteLength(JSON.stringify(entry));
    if (index > from && (bytes + size > BIGQUERY_INSERT_BYTES || index - from === BIGQUERY_INSERT_ROWS)) {
      requests.push({ from, to: index });
      [from, bytes] = [index, 0];
    }
    bytes += size;
  });
  requests.push({ from, to: entries.length });
  return requests;
}
