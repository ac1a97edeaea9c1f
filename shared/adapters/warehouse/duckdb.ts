/**
 * The warehouse on DuckDB: one file, one process. Rows and queries in, rows out.
 * An append is one transaction: the log is synced before it resolves, and a kill leaves all of its rows or none.
 */
import { setImmediate } from 'node:timers/promises';
import type { DuckDBResult, DuckDBValue } from '@duckdb/node-api';
import { WAREHOUSE_CONCURRENT_READS } from '#shared/defaults.ts';
import type { TableName } from '#shared/domain/tables.ts';
import { RejectedError, TransientError } from '#shared/errors.ts';
import type { Log } from '#shared/ports/log.ts';
import type { Cell, NamedQuery, Row, Warehouse } from '#shared/ports/warehouse.ts';
import { toCell } from './cells.ts';
import { duckdbDialect } from './dialects.ts';
import type { Connection, DuckdbModule } from './engine.ts';
import { isCommitted, queryFailure, writeFailure } from './failures.ts';
import { createLimiter } from './limiter.ts';
import { backUp, removeBefore } from './maintenance.ts';
import { type Params, parseParams, parseRow } from './named-query.ts';
import { type Database, openSession } from './session.ts';

export interface DuckdbWarehouse extends Warehouse {
  /** Removes the rows that came in before `instant` (RFC 3339), imported ones excepted, and frees their space; answers how many rows. */
  removeBefore(table: TableName, instant: string): Promise<number>;
  /** A consistent copy in a new file, while work goes on. */
  backup(file: string): Promise<void>;
}

/** Rows made and checked before the event loop gets a turn: about 5 ms of the widest rows; a vector of 2,048 would take 50. */
const ROWS_PER_TURN = 256;

/** @throws RejectedError warehouse_locked, warehouse_corrupt, warehouse_incompatible @throws TransientError disk_full */
export async function createDuckdbWarehouse(options: { file: string; log?: Log }): Promise<DuckdbWarehouse> {
  const session = await openSession(options.file, options.log);
  const writing = createLimiter(1);
  const reading = createLimiter(WAREHOUSE_CONCURRENT_READS);

  async function* stream<P extends Params, R>(query: NamedQuery<P, R>, params: P): AsyncGenerator<readonly R[]> {
    const sql = query.sql(duckdbDialect);
    const checked = parseParams(query, params);
    const { held, result, duckdb } = await session.use(({ engine }) =>
      reading(async () => {
        const connection = await engine.connect();
        const held = session.hold(connection);
        try {
          return { held, duckdb: engine.duckdb, result: await start(connection, engine.duckdb, sql, checked) };
        } catch (error) {
          session.release(held);
          throw error;
        }
      }),
    );
    try {
      const names = result.columnNames();
      while (true) {
        const chunk = await session.use(() =>
          reading(async () => {
            if (held.closed) throw new TransientError('warehouse_unavailable', `query ${query.name} was cut short`);
            return await result.fetchChunk();
          }),
        );
        if (chunk === null || chunk.rowCount === 0) return;
        for (let from = 0; from < chunk.rowCount; from += ROWS_PER_TURN) {
          if (from > 0) await setImmediate();
          const until = Math.min(from + ROWS_PER_TURN, chunk.rowCount);
          const rows: R[] = [];
          for (let row = from; row < until; row += 1)
            rows.push(parseRow(query, rowOf(duckdb, names, chunk.getRowValues(row))));
          yield rows;
        }
      }
    } finally {
      session.release(held);
    }
  }

  async function* streamed<P extends Params, R>(query: NamedQuery<P, R>, params: P): AsyncGenerator<readonly R[]> {
    try {
      yield* stream(query, params);
    } catch (error) {
      throw queryFailure(query.name, error);
    }
  }

  const write = async <T>(work: Parameters<typeof session.use<T>>[0]): Promise<T> => {
    try {
      return await session.use((database) => writing(() => work(database)));
    } catch (error) {
      throw writeFailure(error);
    }
  };

  const appendTo = async ({ writers }: Database, table: TableName, rows: readonly Row[]): Promise<void> => {
    const writer = writers.get(table);
    if (writer === undefined)
      throw new RejectedError('row_invalid', `there is no table ${JSON.stringify(table)} in the warehouse`);
    await writer.append(rows);
  };

  return {
    async append(table, rows) {
      if (rows.length === 0) return;
      try {
        await session.use((database) => writing(() => appendTo(database, table, rows)));
      } catch (error) {
        // Failing here would bring the same rows again and again, each time into a log that has no room.
        if (!isCommitted(error)) throw writeFailure(error);
        options.log?.warn({ error: String(error) }, 'warehouse appended, but found no room for a checkpoint');
      }
    },
    async query(query, params) {
      const rows = [];
      for await (const batch of streamed(query, params)) rows.push(...batch);
      return rows;
    },
    stream: streamed,
    removeBefore: (table, instant) => write(({ engine }) => removeBefore(engine.writer, table, instant)),
    backup: (file) => write(({ engine }) => backUp(engine.writer, file)),
    close: session.close,
  };
}

function start(connection: Connection, duckdb: DuckdbModule, sql: string, params: Params): Promise<DuckDBResult> {
  const values: Record<string, DuckDBValue> = {};
  // A number binds as DOUBLE, which LIMIT and integer columns do not take.
  for (const [name, cell] of Object.entries(params))
    values[name] = Number.isSafeInteger(cell) ? BigInt(Number(cell)) : cell;
  const types = Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, typeof value === 'bigint' ? duckdb.BIGINT : undefined]),
  );
  return connection.stream(sql, values, types);
}

function rowOf(duckdb: DuckdbModule, names: readonly string[], values: readonly DuckDBValue[]): Record<string, Cell> {
  return Object.fromEntries(names.map((name, index) => [name, toCell(duckdb, values[index] ?? null)]));
}
