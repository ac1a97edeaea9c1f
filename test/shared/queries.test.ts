import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { duckdbDialect } from '#shared/adapters/warehouse/dialects.ts';
import { createDuckdbWarehouse } from '#shared/adapters/warehouse/duckdb.ts';
import type { Outcome } from '#shared/domain/outcome.ts';
import type { Warehouse } from '#shared/ports/warehouse.ts';
import { decisionById, outcomesByDecision } from '#shared/queries/decisions.ts';
import { decisionIds, outcomeIds } from '#shared/queries/event-ids.ts';
import { defineQuery } from '#shared/queries/fragments.ts';
import { lessonRows } from '#shared/queries/learning.ts';
import { loopCounts } from '#shared/queries/loop-counts.ts';
import { realisedByMode } from '#shared/queries/realised.ts';
import { rejectedById, rejectedCounts, rejectedList } from '#shared/queries/rejected.ts';
import { maturedSince, trainingDays, trainingExamples, trainingWatermark } from '#shared/queries/training.ts';
import { decisionPayload, NOON, outcomePayload, rejectedPayload, rowOf } from '#test/contract/warehouse-rows.ts';

const MINUTE = 60_000;
const at = (minutes: number): string => new Date(NOON + minutes * MINUTE).toISOString();

/** What arrived, in the order of arrival: payload and minute. */
const OUTCOMES: readonly [Outcome, number][] = [
  [outcomePayload('d1', { sequence: 0, status: 'ready', final: false, latency_ms: 10 }), 0],
  [outcomePayload('d1', { latency_ms: 100, effective_usd_per_gpu_hour: 0.4 }), 1],
  [
    outcomePayload('d2', {
      status: 'failed_to_start',
      ready_ms: null,
      latency_ms: null,
      effective_usd_per_gpu_hour: null,
      decided_at: at(-90),
    }),
    2,
  ],
  [outcomePayload('d2', { attempt: 1, propensity: null, latency_ms: 999, decided_at: at(-90) }), 3],
  // Late duplicate with another content: changes nothing.
  [outcomePayload('d1', { latency_ms: 7777, status: 'failed', effective_usd_per_gpu_hour: 99 }), 4],
  [outcomePayload('d3', { mode: 'online', latency_ms: 300, effective_usd_per_gpu_hour: 0.6, decided_at: at(-30) }), 5],
  // Decided elsewhere and imported: nothing was scored, so nothing to learn from.
  [
    outcomePayload('d4', {
      mode: 'recorded',
      features: null,
      propensity: null,
      latency_ms: 200,
      effective_usd_per_gpu_hour: null,
    }),
    6,
  ],
  [outcomePayload('d5', { latency_ms: 200, effective_usd_per_gpu_hour: 0.2, decided_at: at(-30) }), 7],
];

describe('named queries', () => {
  let directory: string;
  let warehouse: Warehouse;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'aurora-queries-'));
    warehouse = await createDuckdbWarehouse({ file: join(directory, 'warehouse.duckdb') });
    await warehouse.append('routing_decisions', [
      rowOf('routing-decision', decisionPayload('d1')),
      rowOf(
        'routing-decision',
        decisionPayload('d2', { final_provider: null, final_offer_id: null, propensity: null }),
      ),
      rowOf('routing-decision', decisionPayload('d1', { mode: 'online' }), NOON + MINUTE),
    ]);
    for (const [payload, minute] of OUTCOMES)
      await warehouse.append('routing_outcomes', [rowOf('routing-outcome', payload, NOON + minute * MINUTE)]);
    await warehouse.append('rejected_events', [
      rowOf('event-rejected', rejectedPayload('a', { message_id: 'a' })),
      rowOf('event-rejected', rejectedPayload('a', { message_id: 'a' }), NOON + MINUTE),
      rowOf('event-rejected', rejectedPayload('b', { message_id: 'b', rejected_at: at(1) })),
      rowOf(
        'event-rejected',
        rejectedPayload('{', {
          message_id: null,
          subscription: null,
          event_type: null,
          code: 'body_not_json',
          rejected_at: at(2),
          attributes: {},
        }),
      ),
    ]);
  });
  afterAll(async () => {
    await warehouse.close();
    await rm(directory, { recursive: true });
  });

  test('loop_counts: accepted with duplicates, distinct without, finals alone', async () => {
    expect(await warehouse.query(loopCounts, {})).toEqual([
      {
        decisions_accepted: 3,
        decisions_distinct: 2,
        outcomes_accepted: 8,
        outcomes_distinct: 7,
        final_distinct: 6,
        fallbacks_distinct: 1,
        rejected: 3,
      },
    ]);
  });

  describe('training_examples', () => {
    const ids = async (watermark: string, limit: number, since = at(-1e6)) =>
      (await warehouse.query(trainingExamples, { watermark, since, limit })).map(
        (row) => `${row.decision_id}/${row.attempt}`,
      );

    test('final, scored outcomes in the order decided_at, decision_id, attempt', async () => {
      expect(await ids(at(60), 100)).toEqual(['d2/0', 'd2/1', 'd1/0', 'd3/0', 'd5/0']);
    });

    test('the newest ones when there are more than asked for, still in order', async () => {
      expect(await ids(at(60), 3)).toEqual(['d1/0', 'd3/0', 'd5/0']);
      expect(await ids(at(60), 1)).toEqual(['d5/0']);
    });

    test('nothing that arrived after the watermark; the watermark itself counts', async () => {
      expect(await ids(at(3), 100)).toEqual(['d2/0', 'd2/1', 'd1/0']);
      expect(await ids('2026-03-01T12:02:59.999Z', 100)).toEqual(['d2/0', 'd1/0']);
      expect(await ids(at(-1), 100)).toEqual([]);
    });

    test('nothing that was decided before the day asked for begins; the instant itself counts, and the count agrees', async () => {
      const counted = (since: string) => warehouse.query(trainingDays, { watermark: at(60), since });
      expect(await ids(at(60), 100, at(-30))).toEqual(['d3/0', 'd5/0']);
      expect(await counted(at(-30))).toEqual([{ day: '2026-03-01', at_least: 2 }]);
      expect(await ids(at(60), 100, '2026-03-01T11:30:00.001Z')).toEqual([]);
      expect((await counted(at(-1e6))).reduce((sum, { at_least }) => sum + at_least, 0)).toBe(5);
    });

    test('a row carries all that a learner needs, of the first arrival', async () => {
      const [row] = await warehouse.query(trainingExamples, { watermark: at(1), since: at(-1e6), limit: 10 });
      const [expected] = OUTCOMES[1] ?? [];
      expect({ ...row, request: JSON.parse(row?.request ?? ''), features: JSON.parse(row?.features ?? '') }).toEqual(
        expected,
      );
    });

    test('streams the same rows', async () => {
      const streamed: string[] = [];
      for await (const batch of warehouse.stream(trainingExamples, { watermark: at(60), since: at(-1e6), limit: 4 }))
        streamed.push(...batch.map((row) => `${row.decision_id}/${row.attempt}`));
      expect(streamed).toEqual(await ids(at(60), 4));
    });
  });

  test('training_watermark: the stamp of the last arrival', async () => {
    expect(await warehouse.query(trainingWatermark, {})).toEqual([{ watermark: at(7) }]);
  });

  test.each([
    [at(-1), 5],
    [at(2), 3],
    [at(5), 1],
    [at(7), 0],
  ])('matured_since %s: %i, the late duplicate not among them', async (since, matured) => {
    expect(await warehouse.query(maturedSince, { since })).toEqual([{ matured }]);
  });

  test('lesson_rows: interim and final, each once, as they were observed', async () => {
    const rows = async (params: { observed_from?: string; arrived_after?: string; limit?: number }) =>
      (
        await warehouse.query(lessonRows, { observed_from: at(-1e6), arrived_after: at(-1e6), limit: 100, ...params })
      ).map((row) => `${row.decision_id}/${row.attempt} ${row.status}`);
    const all = await rows({});
    expect(all.toSorted()).toEqual([
      'd1/0 completed',
      'd1/0 ready',
      'd2/0 failed_to_start',
      'd2/1 completed',
      'd3/0 completed',
      'd4/0 completed',
      'd5/0 completed',
    ]);
    expect(await rows({ limit: 2 })).toEqual(all.slice(-2));
    expect((await rows({ arrived_after: at(4) })).toSorted()).toEqual([
      'd3/0 completed',
      'd4/0 completed',
      'd5/0 completed',
    ]);
    expect(await rows({ observed_from: at(1e6) })).toEqual([]);
    const [first] = await warehouse.query(lessonRows, { observed_from: at(-1e6), arrived_after: at(-1e6), limit: 100 });
    expect(first).toMatchObject({ event_id: expect.stringMatching(/^[0-9a-f]{32}$/) });
  });

  test('rejected_list: newest first, of one code or all, at most the limit', async () => {
    const reasons = async (limit: number, code: string | null) =>
      (await warehouse.query(rejectedList, { limit, code })).map((row) => [row.rejected_at, row.message_id, row.code]);
    const [body, b, a] = [
      [at(2), null, 'body_not_json'],
      [at(1), 'b', 'event_invalid'],
      ['2026-03-01T11:00:00.000Z', 'a', 'event_invalid'],
    ];
    expect(await reasons(10, null)).toEqual([body, b, a]);
    expect(await reasons(2, null)).toEqual([body, b]);
    expect(await reasons(10, 'event_invalid')).toEqual([b, a]);
    expect(await reasons(10, 'unheard_of')).toEqual([]);
  });

  test('rejected_by_id: the bytes and attributes as they came', async () => {
    const [newest] = await warehouse.query(rejectedList, { limit: 1, code: null });
    const [found] = await warehouse.query(rejectedById, { event_id: newest?.event_id ?? '' });
    expect(found).toEqual({ ...newest, raw_base64: Buffer.from('{').toString('base64'), attributes: '{}' });
    expect(await warehouse.query(rejectedById, { event_id: 'none' })).toEqual([]);
  });

  test('rejected_counts: by code and function, most first', async () => {
    expect(await warehouse.query(rejectedCounts, {})).toEqual([
      { code: 'event_invalid', function_name: 'ingest', rejected: 2, last_rejected_at: at(1) },
      { code: 'body_not_json', function_name: 'ingest', rejected: 1, last_rejected_at: at(2) },
    ]);
  });

  test('decision_by_id: the first arrival, with NULLs where nothing was decided', async () => {
    const [first] = await warehouse.query(decisionById, { decision_id: 'd1' });
    expect(first).toMatchObject({
      decision_id: 'd1',
      mode: 'rules',
      decided_at: '2026-03-01T11:00:00.000Z',
      candidates: '[]',
    });
    const [none] = await warehouse.query(decisionById, { decision_id: 'd2' });
    expect(none).toMatchObject({ final_provider: null, propensity: null, fallback_reason: 'scores_unavailable' });
    expect(await warehouse.query(decisionById, { decision_id: 'd9' })).toEqual([]);
  });

  test('outcomes_by_decision: each once, by attempt and sequence', async () => {
    const of = async (id: string) =>
      (await warehouse.query(outcomesByDecision, { decision_id: id })).map((row) => [
        row.attempt,
        row.sequence,
        row.status,
        row.latency_ms,
      ]);
    expect(await of('d1')).toEqual([
      [0, 0, 'ready', 10],
      [0, 1, 'completed', 100],
    ]);
    expect(await of('d2')).toEqual([
      [0, 1, 'failed_to_start', null],
      [1, 1, 'completed', 999],
    ]);
    expect(await of('d9')).toEqual([]);
  });

  test('realised_by_mode: first attempts that ended; NULLs neither count as zero nor hide a mode', async () => {
    const rows = await warehouse.query(realisedByMode, {});
    expect(rows).toEqual([
      {
        mode: 'online',
        outcomes: 1,
        completed_share: 1,
        mean_usd_per_gpu_hour: 0.6,
        latency_p50_ms: 300,
        latency_p95_ms: 300,
      },
      {
        mode: 'recorded',
        outcomes: 1,
        completed_share: 1,
        mean_usd_per_gpu_hour: null,
        latency_p50_ms: 200,
        latency_p95_ms: 200,
      },
      {
        mode: 'rules',
        outcomes: 3,
        completed_share: 2 / 3,
        mean_usd_per_gpu_hour: expect.closeTo(0.3, 12),
        latency_p50_ms: 150,
        latency_p95_ms: expect.closeTo(195, 9),
      },
    ]);
  });

  test('decision_ids and outcome_ids: every event with its copies', async () => {
    const decisions = await warehouse.query(decisionIds, {});
    expect(decisions.map((row) => [row.decision_id, row.copies]).sort()).toEqual([
      ['d1', 2],
      ['d2', 1],
    ]);
    const outcomes = await warehouse.query(outcomeIds, {});
    expect(outcomes.map((row) => `${row.decision_id}/${row.attempt}/${row.sequence} x${row.copies}`).sort()).toEqual([
      'd1/0/0 x1',
      'd1/0/1 x2',
      'd2/0/1 x1',
      'd2/1/1 x1',
      'd3/0/1 x1',
      'd4/0/1 x1',
      'd5/0/1 x1',
    ]);
    expect(outcomes.map((row) => row.event_id)).toEqual(outcomes.map((row) => row.event_id).sort());
  });

  test('the fragments of DuckDB: instants, spans, quantiles and JSON paths', async () => {
    const d = duckdbDialect;
    const fragments = defineQuery({
      name: 'fragments',
      params: z.strictObject({ instant: z.string() }),
      row: z.record(z.string(), z.union([z.string(), z.number(), z.null()])),
      sql: () => `
        SELECT ${d.timestampText(d.timestamp(d.param('instant')))} AS instant,
          ${d.millisBetween(d.timestamp(d.param('instant')), d.timestamp(`'2026-03-01T12:00:01.5Z'`))} AS millis,
          ${d.quantile('n', 0.5)} AS median,
          ${d.jsonText('MIN(j)', '$.a.text')} AS text, ${d.jsonText('MIN(j)', '$.a.number')} AS number,
          ${d.jsonText('MIN(j)', '$.a.object')} AS object, ${d.jsonText('MIN(j)', '$.a.null')} AS json_null,
          ${d.jsonText('MIN(j)', '$.missing')} AS missing
        FROM (VALUES (1, '{"a":{"text":"t","number":1.5,"object":{"b":1},"null":null}}'), (4, NULL), (NULL, NULL)) AS v(n, j)`,
    });
    expect(await warehouse.query(fragments, { instant: '2026-03-01T21:00:00.250+09:00' })).toEqual([
      {
        instant: '2026-03-01T12:00:00.250000Z',
        millis: 1250,
        median: 2.5,
        text: 't',
        number: '1.5',
        object: null,
        json_null: null,
        missing: null,
      },
    ]);
  });
});
