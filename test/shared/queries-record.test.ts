import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDuckdbWarehouse } from '#shared/adapters/warehouse/duckdb.ts';
import type { Decision } from '#shared/domain/decision.ts';
import type { Outcome } from '#shared/domain/outcome.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import type { Warehouse } from '#shared/ports/warehouse.ts';
import { actorsDecisions, decisionDays, recordedDecisions } from '#shared/queries/decision-record.ts';
import { trialDecisions } from '#shared/queries/trial-record.ts';
import { decisionPayload, NOON, outcomePayload, rowOf } from '#test/contract/warehouse-rows.ts';

const HOUR = 3_600_000;
const at = (hours: number): string => rfc3339(NOON + hours * HOUR);
const decided = (id: string, hours: number, given: Partial<Decision> = {}): Decision =>
  decisionPayload(id, { decided_at: at(hours), ...given });
const ended = (id: string, hours: number, given: Partial<Outcome> = {}): Outcome =>
  outcomePayload(id, { decided_at: at(hours), observed_at: at(hours + 1), ...given });

/** Each with the instant of its arrival, hours. */
const DECISIONS: readonly [Decision, number][] = [
  [decided('a', 0, { mode: 'switchback', arm: 'linear' }), 0],
  [decided('b', 1, { mode: 'switchback', arm: 'rules' }), 1],
  [decided('c', 2, { mode: 'online', arm: null, model_version: 'v1' }), 2],
  [decided('d', 3, { mode: 'online', arm: 'v1', model_version: 'v1' }), 3],
  [decided('e', 4, { mode: 'apprentice', model_version: 'v1' }), 4],
  // Made elsewhere, refused, from before.
  [decided('f', 5, { mode: 'recorded', policy: { kind: 'recorded', epsilon: 0 } }), 5],
  [decided('g', 5, { final_provider: null, final_offer_id: null, propensity: null }), 5],
  [decided('h', -1, { mode: 'rules' }), -1],
  // The request id of `a` again, two days later: another decision.
  [decided('a', 48, { mode: 'rules' }), 48],
];
const OUTCOMES: readonly [Outcome, number][] = [
  [ended('a', 0, { sequence: 0, status: 'ready', final: false }), 1],
  [ended('a', 0, { status: 'failed', blame: 'provider' }), 2],
  // A second end of the same attempt, past midnight.
  [ended('a', 0, { status: 'completed', observed_at: at(13) }), 13],
  [ended('b', 1, { attempt: 1, propensity: null }), 3],
  [ended('c', 2, { status: 'completed' }), 4],
  [ended('a', 48, { status: 'completed' }), 50],
];

describe('the record of decisions, over the engine', () => {
  let directory: string;
  let warehouse: Warehouse;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'aurora-record-'));
    warehouse = await createDuckdbWarehouse({ file: join(directory, 'warehouse.duckdb') });
    for (const [payload, hours] of DECISIONS)
      await warehouse.append('routing_decisions', [rowOf('routing-decision', payload, NOON + hours * HOUR)]);
    for (const [payload, hours] of OUTCOMES)
      await warehouse.append('routing_outcomes', [rowOf('routing-outcome', payload, NOON + hours * HOUR)]);
  });
  afterAll(async () => {
    await warehouse.close();
    await rm(directory, { recursive: true });
  });

  const params = { from: at(-24), watermark: at(72), limit: 100 };

  test('each decision that acted, once, with its actor and the first end of its first attempt', async () => {
    const rows = await warehouse.query(recordedDecisions, params);
    expect(rows.map(({ decision_id: id, decided_at, actor, status }) => [id, decided_at, actor, status])).toEqual([
      ['h', at(-1), 'rules', null],
      ['a', at(0), 'linear', 'failed'],
      ['b', at(1), 'rules', null],
      ['c', at(2), 'v1', 'completed'],
      ['d', at(3), 'v1', null],
      ['e', at(4), 'rules', null],
      ['f', at(5), null, null],
      ['a', at(48), 'rules', 'completed'],
    ]);
  });

  test('the newest of one actor, as of a watermark', async () => {
    const ids = async (actor: string, given = {}) =>
      (await warehouse.query(actorsDecisions, { ...params, actor, ...given })).map(({ decision_id: id }) => id);
    expect(await ids('v1')).toEqual(['c', 'd']);
    expect(await ids('rules')).toEqual(['h', 'b', 'e', 'a']);
    expect(await ids('rules', { limit: 2 })).toEqual(['e', 'a']);
    expect(await ids('rules', { watermark: at(4) })).toEqual(['h', 'b', 'e']);
    expect(await ids('nobody')).toEqual([]);
  });

  test('from a day on: what was decided before is left out, and no end of what was not', async () => {
    const rows = await warehouse.query(recordedDecisions, { ...params, from: at(20) });
    expect(rows.map(({ decision_id: id, decided_at, status }) => [id, decided_at, status])).toEqual([
      ['a', at(48), 'completed'],
    ]);
  });

  test('how many there are by day, the newest first', async () => {
    const days = async (given = {}) =>
      (await warehouse.query(decisionDays, { from: at(-24), watermark: at(72), actor: null, ...given })).map(
        ({ day, at_least: rows }) => [day, rows],
      );
    expect(await days()).toEqual([
      ['2026-03-03', 1],
      ['2026-03-01', 7],
    ]);
    expect(await days({ actor: 'v1' })).toEqual([['2026-03-01', 2]]);
    expect(await days({ watermark: at(3) })).toEqual([['2026-03-01', 5]]);
    expect(await days({ from: at(20) })).toEqual([['2026-03-03', 1]]);
  });

  test('of a trial: from its start on, what was decided here, each once', async () => {
    const rows = await warehouse.query(trialDecisions, { decided_from: at(0), block_ms: HOUR, per_block: 10 });
    expect(rows.map(({ decided_at, status }) => [decided_at, status])).toEqual([
      [at(0), 'failed'],
      [at(1), null],
      [at(2), 'completed'],
      [at(3), null],
      [at(4), null],
      [at(48), 'completed'],
    ]);
  });

  test('of each block no more than asked for, drawn by id', async () => {
    const rows = await warehouse.query(trialDecisions, { decided_from: at(0), block_ms: 3 * HOUR, per_block: 1 });
    expect(rows.map(({ decided_at }) => decided_at)).toEqual([at(0), at(3), at(48)]);
  });
});
