/** The record of the warehouse, as off-policy evaluation and learners read it. Parsing lets other work in between. */
import { setImmediate } from 'node:timers/promises';
import type { z } from 'zod';
import { MAX_BLOCK_DECISIONS, MAX_JUDGED_DECISIONS, MAX_REBUILD_ROWS } from '#shared/defaults.ts';
import { decision } from '#shared/domain/decision.ts';
import { outcome } from '#shared/domain/outcome.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { type Workload, workload } from '#shared/domain/request.ts';
import { realisedUtility, runResultOf } from '#shared/domain/utility.ts';
import type { Warehouse } from '#shared/ports/warehouse.ts';
import { startOfNewest } from '#shared/queries/days.ts';
import { actorsDecisions, decisionDays, recordedDecisions } from '#shared/queries/decision-record.ts';
import type { firstEnd } from '#shared/queries/first-ends.ts';
import { lessonDays, lessonRows } from '#shared/queries/learning.ts';
import { trialDecisions } from '#shared/queries/trial-record.ts';
import { type Lesson, lessonOf } from '../fast/lesson.ts';
import { FEATURE_SET } from '../features.ts';
import { type TrialRecord, trialRecord } from '../switchback/pairs.ts';
import { TRAFFIC_DECISIONS, type Traffic, type Trial, trafficOf } from '../switchback/schedule.ts';
import type { RecordedCandidate, ValuedDecision } from './recorded.ts';

/** Rows parsed between two turns of the event loop: some milliseconds. */
const ROWS_PER_TURN = 64;

async function* inTurns<T>(chunks: AsyncIterable<readonly T[]>): AsyncGenerator<readonly T[]> {
  for await (const rows of chunks)
    for (let from = 0; from < rows.length; from += ROWS_PER_TURN) {
      yield rows.slice(from, from + ROWS_PER_TURN);
      await setImmediate();
    }
}

const nested = decision.pick({ request: true, candidates: true });

interface Of {
  readonly offerId: string;
  readonly expected: number | null;
}

export interface DecisionsWanted {
  /** RFC 3339, world time: what has arrived by then. */
  readonly watermark: string;
  /** Of one actor alone; default: of anybody. */
  readonly actor?: string;
  readonly limit?: number;
}

/** The newest decisions, in order, each with what its first attempt earned; fewer are expected of than there are candidates where nobody was asked. */
export async function readDecisions(
  warehouse: Warehouse,
  { watermark, actor, limit = MAX_JUDGED_DECISIONS }: DecisionsWanted,
): Promise<readonly ValuedDecision[]> {
  const decisions: ValuedDecision[] = [];
  const from = await startOfNewest(limit, Date.parse(watermark), (day) =>
    warehouse.query(decisionDays, { from: day, watermark, actor: actor ?? null }),
  );
  const found =
    actor === undefined
      ? warehouse.stream(recordedDecisions, { from, watermark, limit })
      : warehouse.stream(actorsDecisions, { from, watermark, limit, actor });
  for await (const rows of inTurns(found))
    for (const row of rows) {
      const { request, candidates } = nested.parse({
        request: JSON.parse(row.request),
        candidates: JSON.parse(row.candidates),
      });
      const present = candidates.filter(({ dropped }) => !dropped);
      const seen = present.flatMap(({ features, ...of }): (RecordedCandidate & Of)[] =>
        features === null || features.set !== FEATURE_SET.set || features.hash !== FEATURE_SET.hash
          ? []
          : [
              {
                offerId: of.offer_id,
                expected: of.expected_utility,
                offer: { usd_per_gpu_hour: of.usd_per_gpu_hour, latency_ms: of.latency_ms },
                features,
                ruleScore: of.rule_score,
                probability: of.probability,
              },
            ],
      );
      const taken = seen.findIndex(({ offerId }) => offerId === row.final_offer_id);
      // A row too large for its features, or of another build, cannot be asked what else could have been done.
      if (seen.length !== present.length || taken === -1) continue;
      decisions.push({
        decisionId: row.decision_id,
        decidedAtMs: Date.parse(row.decided_at),
        workload: request,
        candidates: seen,
        taken,
        propensity: row.propensity,
        ended: row.status !== null,
        reward: rewardOf(request, row),
        expected: seen.flatMap(({ expected }) => expected ?? []),
      });
    }
  return decisions;
}

/** Null: not ended, or its end says nothing of the offer. */
function rewardOf(request: Workload, { status, ...end }: z.output<typeof firstEnd>): number | null {
  const run = status === null ? null : runResultOf({ ...end, status, final: true, request });
  return run === null ? null : realisedUtility(request, run);
}

/** What a trial would be planned on. @param watermark as of DecisionsWanted; null: nothing has ended yet */
export async function readTraffic(warehouse: Warehouse, watermark: string | null, nowMs: number): Promise<Traffic> {
  if (watermark === null) return trafficOf([], nowMs);
  return trafficOf(await readDecisions(warehouse, { watermark, limit: TRAFFIC_DECISIONS }), nowMs);
}

const parts = outcome.pick({ request: true, features: true });

const EVER = rfc3339(0);

/** What lessonRows is asked for the newest MAX_REBUILD_ROWS that arrived after an instant. @param untilMs world time, about the newest */
export async function newestLessons(warehouse: Warehouse, untilMs: number, arrivedAfter = EVER) {
  const observedFrom = await startOfNewest(MAX_REBUILD_ROWS, untilMs, (from) =>
    warehouse.query(lessonDays, { from, arrived_after: arrivedAfter }),
  );
  return { observed_from: observedFrom, arrived_after: arrivedAfter, limit: MAX_REBUILD_ROWS };
}

/** Everything that a learner would have heard, in order. @param untilMs world time, about the newest */
export async function readLessons(warehouse: Warehouse, untilMs: number): Promise<readonly Lesson[]> {
  const lessons: Lesson[] = [];
  const params = await newestLessons(warehouse, untilMs);
  for await (const rows of inTurns(warehouse.stream(lessonRows, params)))
    for (const row of rows) {
      const { request, features } = parts.parse({
        request: JSON.parse(row.request),
        features: row.features === null ? null : JSON.parse(row.features),
      });
      const lesson = lessonOf({ ...row, request, features });
      if (typeof lesson !== 'string') lessons.push(lesson);
    }
  return lessons;
}

/** How the decisions of a trial ended, block by block; of a block at most MAX_BLOCK_DECISIONS, drawn by chance. */
export async function readTrial(warehouse: Warehouse, trial: Trial): Promise<TrialRecord> {
  const record = trialRecord(trial);
  const params = { decided_from: trial.start, block_ms: trial.block_ms, per_block: MAX_BLOCK_DECISIONS };
  for await (const rows of inTurns(warehouse.stream(trialDecisions, params)))
    for (const { decided_at, request, ...end } of rows) {
      const asked = workload.parse(JSON.parse(request));
      const decided = { decidedAtMs: Date.parse(decided_at), stratum: asked.workload_type };
      record.decided(decided);
      if (end.status !== null) record.ended(decided, rewardOf(asked, end));
    }
  return record;
}
