/** The record of the warehouse, as off-policy evaluation and learners read it. */
import { MAX_JUDGED_DECISIONS, MAX_REBUILD_ROWS } from '#shared/defaults.ts';
import { decision } from '#shared/domain/decision.ts';
import { outcome } from '#shared/domain/outcome.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import type { Warehouse } from '#shared/ports/warehouse.ts';
import { recordedDecisions } from '#shared/queries/decision-record.ts';
import { lessonRows } from '#shared/queries/learning.ts';
import type { Example } from '../example.ts';
import { type Lesson, lessonOf } from '../fast/lesson.ts';
import { FEATURE_SET } from '../features.ts';
import type { RecordedCandidate, RecordedDecision } from './recorded.ts';

const nested = decision.pick({ request: true, candidates: true });

/**
 * The newest decisions up to a watermark, in order, each with what its first attempt came to.
 * @param examples of the same record: those of other attempts are passed over
 */
export async function readDecisions(
  warehouse: Warehouse,
  { watermark, fromMs, examples }: { watermark: string; fromMs: number; examples: readonly Example[] },
): Promise<readonly RecordedDecision[]> {
  const firsts = new Map(
    examples.filter(({ attempt }) => attempt === 0).map((example) => [example.decision_id, example]),
  );
  const decisions: RecordedDecision[] = [];
  const params = { decided_from: rfc3339(fromMs), watermark, limit: MAX_JUDGED_DECISIONS };
  for await (const rows of warehouse.stream(recordedDecisions, params))
    for (const row of rows) {
      const { request, candidates } = nested.parse({
        request: JSON.parse(row.request),
        candidates: JSON.parse(row.candidates),
      });
      const present = candidates.filter(({ dropped }) => !dropped);
      const seen = present.flatMap(({ features, ...of }): (RecordedCandidate & { offerId: string })[] =>
        features === null || features.set !== FEATURE_SET.set || features.hash !== FEATURE_SET.hash
          ? []
          : [
              {
                offerId: of.offer_id,
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
        example: firsts.get(row.decision_id) ?? null,
      });
    }
  return decisions;
}

const parts = outcome.pick({ request: true, features: true });

/** Everything that a learner would have heard, in order. */
export async function readLessons(warehouse: Warehouse): Promise<readonly Lesson[]> {
  const lessons: Lesson[] = [];
  const ever = rfc3339(0);
  const params = { observed_from: ever, arrived_after: ever, limit: MAX_REBUILD_ROWS };
  for await (const rows of warehouse.stream(lessonRows, params))
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
