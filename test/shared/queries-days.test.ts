/** Reading the days that hold the newest rows gives the rows that reading every day gives. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDuckdbWarehouse } from '#shared/adapters/warehouse/duckdb.ts';
import { MS_PER_DAY } from '#shared/defaults.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import type { Row, Warehouse } from '#shared/ports/warehouse.ts';
import { type DayCount, startOfNewest } from '#shared/queries/days.ts';
import { actorsDecisions, decisionDays, recordedDecisions } from '#shared/queries/decision-record.ts';
import { lessonDays, lessonRows } from '#shared/queries/learning.ts';
import { decisionPayload, NOON, outcomePayload, rowOf } from '#test/contract/warehouse-rows.ts';
import { seeded } from '#test/support/model.ts';

describe('the start of the newest', () => {
  const DAY_0 = Date.UTC(2026, 0, 1);
  /** Counts of days, the newest first, as many days back as their index says. */
  const asked = async (limit: number, back: Readonly<Record<number, number>>) => {
    const from: string[] = [];
    const start = await startOfNewest(limit, DAY_0 + MS_PER_DAY / 2, async (instant) => {
      from.push(instant.slice(0, 10));
      const days: DayCount[] = Object.entries(back).map(([days, rows]) => ({
        day: rfc3339(DAY_0 - Number(days) * MS_PER_DAY).slice(0, 10),
        at_least: rows,
      }));
      return days.filter(({ day }) => day >= instant.slice(0, 10)).sort((a, b) => (a.day < b.day ? 1 : -1));
    });
    return { start: start.slice(0, 10), looks: from.length };
  };

  test.each<[string, number, Record<number, number>, string, number]>([
    ['today has enough', 5, { 0: 5, 1: 9 }, '2026-01-01', 1],
    ['a few days do', 6, { 0: 5, 1: 9 }, '2025-12-31', 1],
    ['two months do', 6, { 0: 5, 40: 1, 50: 1 }, '2025-11-22', 2],
    ['a year does', 6, { 0: 5, 400: 1, 401: 1 }, '2024-11-27', 3],
    ['long ago', 6, { 0: 5, 600: 1, 601: 1 }, '2024-05-11', 4],
    ['fewer than asked for: the oldest day', 60, { 0: 5, 400: 1, 401: 0 }, '2024-11-26', 4],
    ['nothing: no day need be read', 1, {}, '2026-01-01', 4],
  ])('%s', async (_, limit, back, start, looks) => {
    expect(await asked(limit, back)).toEqual({ start, looks });
  });

  test('about the epoch there is nothing before', async () => {
    const count = async (): Promise<readonly DayCount[]> => [];
    expect(await startOfNewest(1, 0, count)).toBe(rfc3339(0));
  });
});

describe('over the engine', () => {
  const DECISIONS = 300;
  const DAYS = 120;
  let directory: string;
  let warehouse: Warehouse;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'aurora-days-'));
    warehouse = await createDuckdbWarehouse({ file: join(directory, 'warehouse.duckdb') });
    const dice = seeded(7);
    const decisions: Row[] = [];
    const outcomes: Row[] = [];
    const whole = (below: number): number => Math.floor(below * dice());
    for (let i = 0; i < DECISIONS; i++) {
      const decidedMs = NOON - Math.floor(DAYS * dice() ** 3 * MS_PER_DAY);
      const arm = ['linear', 'rules', 'v1'][whole(3)] ?? 'rules';
      const decided = decisionPayload(`d${i}`, { decided_at: rfc3339(decidedMs), mode: 'switchback', arm });
      const arrival = decidedMs + whole(3 * MS_PER_DAY);
      decisions.push(rowOf('routing-decision', decided, arrival));
      // A provider whose clock is behind: the end of a night's run is of the day before.
      const observed = rfc3339(decidedMs + whole(MS_PER_DAY) - MS_PER_DAY / 8);
      const given = { decided_at: decided.decided_at, observed_at: observed, final: dice() < 0.7 };
      const features = dice() < 0.5 ? outcomePayload('x').features : null;
      const outcome = outcomePayload(`d${i}`, { ...given, features });
      outcomes.push(rowOf('routing-outcome', outcome, arrival + whole(MS_PER_DAY)));
    }
    await warehouse.append('routing_decisions', decisions);
    await warehouse.append('routing_outcomes', outcomes);
  });
  afterAll(async () => {
    await warehouse.close();
    await rm(directory, { recursive: true });
  });

  const EVER = rfc3339(0);
  const watermarks = [NOON + 9 * MS_PER_DAY, NOON - MS_PER_DAY, NOON - 400 * MS_PER_DAY];
  const limits = [1, 60, 250, 10_000];
  const cases = watermarks.flatMap((untilMs) => limits.map((limit) => ({ watermark: rfc3339(untilMs), limit })));

  test.each([null, 'linear', 'nobody'])('decisions of %s', async (actor) => {
    let bounded = 0;
    for (const { watermark, limit } of cases) {
      const from = await startOfNewest(limit, Date.parse(watermark), (start) =>
        warehouse.query(decisionDays, { from: start, watermark, actor }),
      );
      const read = (start: string) =>
        actor === null
          ? warehouse.query(recordedDecisions, { from: start, watermark, limit })
          : warehouse.query(actorsDecisions, { from: start, watermark, limit, actor });
      expect(await read(from)).toEqual(await read(EVER));
      if (from > rfc3339(NOON - DAYS * MS_PER_DAY)) bounded += 1;
    }
    expect(bounded).toBeGreaterThan(cases.length / 2);
  });

  test.each([EVER, rfc3339(NOON - 20 * MS_PER_DAY)])('lessons that arrived after %s', async (arrived_after) => {
    for (const { watermark, limit } of cases) {
      const from = await startOfNewest(limit, Date.parse(watermark), (start) =>
        warehouse.query(lessonDays, { from: start, arrived_after }),
      );
      const read = (observed_from: string) => warehouse.query(lessonRows, { observed_from, arrived_after, limit });
      expect(await read(from)).toEqual(await read(EVER));
    }
  });
});
