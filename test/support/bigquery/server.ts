/**
 * BigQuery's REST API over HTTP, as far as our adapter uses it through the official client: streaming inserts and queries. Strict:
 * a route or a row that it does not know is refused as BigQuery refuses it.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type BigqueryField, bigqueryFields } from '#shared/adapters/warehouse/ddl.ts';
import { TABLES } from '#shared/domain/events/schemas.ts';
import { bodyOf, closeServer, listenOnLoopback } from '../loopback.ts';
import { administer, BASE, DATASET, type Dataset, datasetAt, engineOf, madeDataset, PROJECT } from './datasets.ts';
import { type Answer, type Engine, InvalidQuery, type Parameter } from './engine.ts';

export interface BigqueryFake {
  readonly endpoint: string;
  /** "METHOD path" of every request, and its body. */
  readonly requests: { readonly line: string; readonly body: unknown }[];
  /** What happens to the next request: null, nothing. */
  fault: (line: string, body: unknown) => Fault | null;
  close(): Promise<void>;
}

type Fault =
  /** Answered so, nothing is done. */
  | Refused
  /** Of an insert: these rows are not in, the others are. */
  | { readonly failRows: readonly number[]; readonly reason: string; readonly message?: string }
  /** Never answered. */
  | 'black hole'
  /** The connection is cut before anything is done, or after. */
  | 'cut'
  | 'answer lost';

interface Refused {
  readonly status: number;
  readonly reason: string;
}

export { DATASET, PROJECT } from './datasets.ts';

export async function startBigqueryFake(): Promise<BigqueryFake> {
  const datasets = new Map([[DATASET, await madeDataset(DATASET)]]);
  for (const { name } of TABLES) datasets.get(DATASET)?.made.add(name);
  const jobs = new Map<string, Answer>();
  const server = createServer((request, response) => {
    void serve(request, response).catch((error: unknown) => {
      const invalid = error instanceof InvalidQuery;
      const message = error instanceof Error ? error.message : String(error);
      refuse(response, { status: invalid ? 400 : 500, reason: invalid ? 'invalidQuery' : 'internalError' }, message);
    });
  });
  const fake: BigqueryFake = {
    endpoint: await listenOnLoopback(server),
    requests: [],
    fault: () => null,
    async close() {
      await closeServer(server);
      for (const { engine } of datasets.values()) engine.close();
    },
  };

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', fake.endpoint);
    const line = `${request.method} ${url.pathname}`;
    const body = JSON.parse((await bodyOf(request)).toString() || 'null') as Record<string, unknown> | null;
    fake.requests.push({ line, body });
    const fault = fake.fault(line, body);
    if (fault === 'black hole') return;
    if (fault === 'cut') return void request.socket.destroy();
    if (fault === 'answer lost') {
      const [, into = '', table = ''] = TABLE_INSERT.exec(line) ?? [];
      await insertAll(datasetAt(datasets, into), table, body as unknown as InsertAll, []);
      return void request.socket.destroy();
    }
    if (fault !== null && 'status' in fault) return refuse(response, fault, `fault ${fault.reason}`);
    const [, into, table] = TABLE_INSERT.exec(line) ?? [];
    if (into !== undefined && table !== undefined) {
      const failing =
        fault === null ? [] : fault.failRows.map((index) => rowError(index, fault.reason, fault.message ?? 'fault'));
      return answer(response, await insertAll(datasetAt(datasets, into), table, body as unknown as InsertAll, failing));
    }
    if (line === `POST ${BASE}/queries`) {
      const id = `job_${jobs.size}`;
      jobs.set(id, await engineOf(datasets, body).query(String(body?.['query']), parametersOf(body)));
      return answer(response, { jobReference: referenceOf(id), ...pageOf(jobs.get(id) as Answer, url, body) });
    }
    if (line === `POST ${BASE}/jobs`) {
      const { query } = (body as { configuration: { query: Record<string, unknown> } }).configuration;
      if ((body as { configuration: { dryRun?: boolean } }).configuration.dryRun === true)
        return answer(
          response,
          dryRunOf(await engineOf(datasets, query).dryRun(String(query['query']), parametersOf(query)), query),
        );
      const id = (body as { jobReference?: { jobId?: string } }).jobReference?.jobId ?? `job_${jobs.size}`;
      jobs.set(id, await engineOf(datasets, query).query(String(query['query']), parametersOf(query)));
      return answer(response, { jobReference: referenceOf(id), status: { state: 'DONE' }, configuration: { query } });
    }
    const [, job] = JOB_RESULT.exec(line) ?? [];
    const found = job === undefined ? undefined : jobs.get(job);
    if (job !== undefined && found !== undefined)
      return answer(response, { jobReference: referenceOf(job), ...pageOf(found, url, null) });
    const administered = await administer(datasets, line, body, url.searchParams);
    if (administered) return answer(response, administered);
    refuse(response, { status: 404, reason: 'notFound' }, `no route ${line}`);
  };
  return fake;
}

const TABLE_INSERT = new RegExp(`^POST ${BASE}/datasets/(\\w+)/tables/(\\w+)/insertAll$`);
const JOB_RESULT = new RegExp(`^GET ${BASE}/queries/([\\w-]+)$`);

interface InsertAll {
  readonly rows: readonly { readonly insertId?: string; readonly json: Readonly<Record<string, unknown>> }[];
  readonly skipInvalidRows?: boolean;
}

interface InsertError {
  readonly index: number;
  readonly errors: readonly { readonly reason: string; readonly message: string }[];
}
const rowError = (index: number, reason: string, message: string): InsertError => ({
  index,
  errors: [{ reason, message }],
});

/** @param failing rows that fail whatever they hold */
async function insertAll(
  { engine, made }: Dataset,
  tableName: string,
  { rows, skipInvalidRows = false }: InsertAll,
  failing: readonly InsertError[],
): Promise<unknown> {
  const table = TABLES.find(({ name }) => name === tableName);
  if (table === undefined || !made.has(tableName)) throw new Error(`Not found: Table ${tableName}`);
  const fields = bigqueryFields(table.columns);
  const errors = [
    ...failing,
    ...rows.flatMap(({ json }, index) => {
      const fault = faultOf(json, fields);
      return fault === null ? [] : [rowError(index, 'invalid', fault)];
    }),
  ];
  const bad = new Set(errors.map(({ index }) => index));
  if (bad.size > 0 && !skipInvalidRows)
    return {
      insertErrors: rows.map(
        (_, index) => errors.find((error) => error.index === index) ?? rowError(index, 'stopped', ''),
      ),
    };
  const good = rows.filter((_, index) => !bad.has(index));
  if (good.length > 0) {
    const names = fields.map(({ name }) => `"${name}"`).join(', ');
    const document = JSON.stringify(good.map(({ json }) => json));
    const casts = fields
      .map(({ name, type }) => `CAST(row ->> '$.${name}' AS ${DUCKDB[type] ?? 'VARCHAR'})`)
      .join(', ');
    // JSON columns come as text inside the row, as BigQuery wants them.
    await engine.connection.run(
      `INSERT INTO "${tableName}" (${names}) SELECT ${casts} FROM (SELECT unnest(CAST($document AS JSON[])) AS row)`,
      { document },
    );
  }
  return { kind: 'bigquery#tableDataInsertAllResponse', ...(errors.length === 0 ? {} : { insertErrors: errors }) };
}

const DUCKDB: Readonly<Record<string, string>> = {
  STRING: 'VARCHAR',
  INTEGER: 'BIGINT',
  FLOAT: 'DOUBLE',
  BOOLEAN: 'BOOLEAN',
  TIMESTAMP: 'TIMESTAMP',
  DATE: 'DATE',
  JSON: 'JSON',
};

function faultOf(json: Readonly<Record<string, unknown>>, fields: readonly BigqueryField[]): string | null {
  const unknown = Object.keys(json).find((key) => !fields.some(({ name }) => name === key));
  if (unknown !== undefined) return `no such field: ${unknown}.`;
  for (const { name, type, mode } of fields) {
    const value = json[name] ?? null;
    if (value === null) {
      if (mode === 'REQUIRED') return `Missing required field: ${name}.`;
    } else if (!(FITS[type]?.(value) ?? false)) return `Cannot convert value to ${type}: ${name}.`;
  }
  return null;
}

const isText = (value: unknown): value is string => typeof value === 'string' && value.isWellFormed();
const FITS: Readonly<Record<string, (value: unknown) => boolean>> = {
  STRING: isText,
  INTEGER: (value) => Number.isSafeInteger(value),
  FLOAT: (value) => typeof value === 'number' && Number.isFinite(value),
  BOOLEAN: (value) => typeof value === 'boolean',
  TIMESTAMP: (value) => isText(value) && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z$/.test(value),
  DATE: (value) => isText(value) && /^\d{4}-\d\d-\d\d$/.test(value),
  JSON: (value) => isText(value) && canParse(value),
};

function canParse(text: string): boolean {
  try {
    JSON.parse(text);
    return !/\\u[dD][89a-fA-F]/.test(text);
  } catch {
    return false;
  }
}

/** It makes no job, and so has no rows. */
const dryRunOf = ({ fields, bytes, tables }: Awaited<ReturnType<Engine['dryRun']>>, query: unknown): object => ({
  kind: 'bigquery#job',
  configuration: { jobType: 'QUERY', dryRun: true, query },
  jobReference: { projectId: PROJECT, location: 'EU' },
  statistics: {
    totalBytesProcessed: `${bytes}`,
    query: {
      totalBytesProcessed: `${bytes}`,
      totalBytesBilled: '0',
      cacheHit: false,
      statementType: 'SELECT',
      referencedTables: tables.map((tableId) => ({ projectId: PROJECT, datasetId: DATASET, tableId })),
      schema: { fields },
      totalBytesProcessedAccuracy: TABLES.some(({ name, clusterBy }) => tables.includes(name) && clusterBy.length > 0)
        ? 'UPPER_BOUND'
        : 'PRECISE',
    },
  },
  status: { state: 'DONE' },
});

const referenceOf = (jobId: string) => ({ projectId: PROJECT, jobId, location: 'EU' });

function pageOf({ fields, rows }: Answer, url: URL, body: Record<string, unknown> | null): object {
  const from = Number(url.searchParams.get('pageToken') ?? 0);
  const limit = Number(url.searchParams.get('maxResults') ?? body?.['maxResults'] ?? rows.length);
  const until = Math.min(rows.length, from + limit);
  return {
    jobComplete: true,
    totalRows: `${rows.length}`,
    schema: { fields },
    rows: rows.slice(from, until).map((row) => ({ f: row.map((v) => ({ v })) })),
    ...(until < rows.length ? { pageToken: `${until}` } : {}),
  };
}

function parametersOf(body: Record<string, unknown> | null): Readonly<Record<string, Parameter>> {
  const given = (body?.['queryParameters'] ?? []) as readonly {
    readonly name: string;
    readonly parameterType: { readonly type: string };
    readonly parameterValue: { readonly value?: unknown };
  }[];
  return Object.fromEntries(
    given.map(({ name, parameterType, parameterValue }) => {
      const value = parameterValue.value ?? null;
      return [name, { type: parameterType.type, value: value === null ? null : String(value) }];
    }),
  );
}

function answer(response: ServerResponse, json: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify(json));
}

function refuse(response: ServerResponse, { status, reason }: Refused, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
  response.end(JSON.stringify({ error: { code: status, message, errors: [{ message, domain: 'global', reason }] } }));
}
