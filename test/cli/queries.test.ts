import { readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { billedBytes, bytesText, type EstimatedQuery } from '#cli/queries/estimates.ts';
import { createBigqueryWarehouse } from '#shared/adapters/warehouse/bigquery/index.ts';
import { CATALOGUE } from '#shared/queries/catalogue.ts';
import { decisionPayload, outcomePayload, rejectedPayload, rowOf } from '#test/contract/warehouse-rows.ts';
import { type BigqueryFake, DATASET, PROJECT, startBigqueryFake } from '#test/support/bigquery/server.ts';
import { fakeClock } from '#test/support/clock.ts';
import { run, runJson } from './run.ts';

interface Listed {
  readonly platform: string;
  readonly queries: readonly EstimatedQuery[];
}

const ROOM = new URL('../../shared/queries/', import.meta.url);

describe('the catalogue of queries', () => {
  it('has every query of the room, once', async () => {
    const rooms = await Promise.all(readdirSync(ROOM).map((file) => import(new URL(file, ROOM).href)));
    const names = rooms.flatMap((room: object) =>
      Object.values(room).flatMap((value) => (typeof value === 'object' && 'sql' in value ? [value.name] : [])),
    );
    expect(CATALOGUE.map(({ name }) => name).sort()).toEqual(names.sort());
  });
});

describe('vm queries', () => {
  it('lists what each is for, and on one machine asks nobody', async () => {
    const { code, out, err } = await run('queries');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    for (const { name, purpose } of CATALOGUE) expect(out).toMatch(new RegExp(`^${name} +${purpose}$`, 'm'));
    expect(out).toContain('nothing is billed');
    const { value } = await runJson<Listed>('queries');
    expect(value).toEqual({ platform: 'embedded', queries: CATALOGUE.map(({ name, purpose }) => ({ name, purpose })) });
  });
});

describe('vm queries, over BigQuery', () => {
  let fake: BigqueryFake;
  beforeEach(async () => {
    fake = await startBigqueryFake();
    for (const [name, value] of Object.entries({
      AURORA_PLATFORM: 'gcp',
      AURORA_PROJECT: PROJECT,
      AURORA_BUCKET: 'aurora-test',
      AURORA_DATASET: DATASET,
      AURORA_LOCATION: 'EU',
      AURORA_BIGQUERY_ENDPOINT: fake.endpoint,
    }))
      vi.stubEnv(name, value);
    const warehouse = createBigqueryWarehouse({
      projectId: PROJECT,
      dataset: DATASET,
      location: 'EU',
      endpoint: fake.endpoint,
      hostClock: fakeClock(),
      maxBytesBilled: 1,
    });
    await warehouse.append('routing_decisions', [rowOf('routing-decision', decisionPayload('d1'))]);
    await warehouse.append('routing_outcomes', [rowOf('routing-outcome', outcomePayload('d1'))]);
    await warehouse.append('rejected_events', [rowOf('event-rejected', rejectedPayload('{'))]);
    await warehouse.close();
    fake.requests.length = 0;
  });
  afterEach(async () => {
    vi.unstubAllEnvs();
    await fake.close();
  });

  it('says what each would read and cost, by dry runs alone', async () => {
    const { code, value } = await runJson<Listed>('queries', '--usd-per-tib', '8');
    expect([code, value.platform, value.queries.length]).toEqual([0, 'gcp', CATALOGUE.length]);
    for (const { bytes, billed_bytes: billed, usd, accuracy, refused, name } of value.queries) {
      expect({ name, refused, accuracy }).toEqual({ name, refused: null, accuracy: 'at most' });
      expect(usd).toBe((8 * (billed ?? 0)) / 1024 ** 4);
      expect(billed).toBeGreaterThanOrEqual(bytes ?? Number.POSITIVE_INFINITY);
    }
    const read = (name: string) => value.queries.find((query) => query.name === name)?.bytes ?? null;
    expect(read('decision_by_id')).toBeGreaterThan(Number(read('decision_ids')));
    // The rows are years old, and these look at eight days.
    expect(read('lesson_rows')).toBe(0);
    expect(fake.requests.every(({ body }) => (body as Dry).configuration.dryRun === true)).toBe(true);
  });

  it('says so in words, and which would be refused for its size', async () => {
    vi.stubEnv('AURORA_MAX_BYTES_BILLED', String(15 * 1024 ** 2));
    const { code, out } = await run('queries');
    expect(code).toBe(1);
    expect(out).toMatch(/^outcome_ids +at most \d+ bytes +0\.000060 +audits: every outcome, and its copies$/m);
    expect(out).toMatch(/^loop_counts .+; REFUSED: past AURORA_MAX_BYTES_BILLED, 15\.0 MiB$/m);
    expect(out).toContain('At 6.25 USD a TiB read.');
  });

  it('a query that BigQuery does not take is one line of it', async () => {
    let asked = 0;
    fake.fault = () => (asked++ === 0 ? { status: 400, reason: 'invalidQuery' } : null);
    const { code, value } = await runJson<Listed>('queries');
    expect(code).toBe(1);
    expect(value.queries.filter(({ refused }) => refused !== null)).toMatchObject([
      { name: CATALOGUE[0]?.name, bytes: null, usd: null, refused: expect.stringContaining('fault invalidQuery') },
    ]);
  });

  it('without the right to ask it ends, and names the right', async () => {
    fake.fault = () => ({ status: 403, reason: 'accessDenied' });
    const { code, out, err } = await run('queries');
    expect([code, out]).toEqual([2, '']);
    expect(err).toMatch(/warehouse_unavailable/);
    expect(err).toContain('roles/bigquery.jobUser');
  });
});

interface Dry {
  readonly configuration: { readonly dryRun?: boolean };
}

const MIB = 1024 ** 2;

it.each([
  [0, 1, 0],
  [1, 1, 10 * MIB],
  [1, 3, 30 * MIB],
  [1, 0, 10 * MIB],
  [12 * MIB + 1, 1, 13 * MIB],
])('of %i bytes of %i tables %i are billed', (bytes, tables, billed) => {
  expect(billedBytes(bytes, tables)).toBe(billed);
});

it.each([
  [0, '0 bytes'],
  [1023, '1023 bytes'],
  [1024, '1.0 KiB'],
  [1.5 * 1024 ** 3, '1.5 GiB'],
  [3e18, '2664.5 PiB'],
])('%i is %s', (bytes, text) => {
  expect(bytesText(bytes)).toBe(text);
});
