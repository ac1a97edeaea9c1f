import { routingOutcome } from '#shared/domain/events/catalogue.ts';
import { decodeEvent, encodeEvent, eventRow } from '#shared/domain/events/codec.ts';
import type { Outcome } from '#shared/domain/outcome.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { candidateFeatures } from '#shared/learning/features.ts';
import type { Cell, NamedQuery, Row, Warehouse } from '#shared/ports/warehouse.ts';
import { lessonRows } from '#shared/queries/learning.ts';
import { maturedSince, trainingExamples, trainingWatermark } from '#shared/queries/training.ts';
import { seeded } from './model.ts';
import { anOffer, aWorkload } from './offers.ts';
import { anOutcome } from './outcomes.ts';

const START_MS = Date.UTC(2026, 0, 1);
const MINUTE_MS = 60_000;
const RUN_HOURS = 1;

/** P(completes) of each provider: what there is to learn. */
const TRUTH = { solid: 0.95, plain: 0.8, boaster: 0.35 } as const;
const PROVIDERS = Object.keys(TRUTH) as (keyof typeof TRUTH)[];

/** Final outcomes of explored decisions, one a minute, each an hour long, with the features that route would have logged. */
export function recordedOutcomes(rows: number, seed = 1): Outcome[] {
  const random = seeded(seed);
  const workload = aWorkload({ gpu_hours: 2 * RUN_HOURS, gpu_count: 2 });
  return Array.from({ length: rows }, (_, i) => {
    const provider = PROVIDERS[Math.floor(random() * PROVIDERS.length)] ?? 'solid';
    const decidedMs = START_MS + i * MINUTE_MS;
    const offer = anOffer({ provider, offer_id: `${provider}:1`, usd_per_gpu_hour: 0.3 + 0.2 * random() });
    const completed = random() < TRUTH[provider];
    const started = completed || random() < 0.5;
    return anOutcome({
      decision_id: `d${String(i).padStart(5, '0')}`,
      provider,
      offer_id: offer.offer_id,
      decided_at: rfc3339(decidedMs),
      observed_at: rfc3339(decidedMs + (completed ? 62 : 5) * MINUTE_MS),
      status: completed ? 'completed' : started ? 'preempted' : 'failed_to_start',
      blame: completed ? null : 'provider',
      ready_ms: started ? 60_000 + 60_000 * random() : null,
      latency_ms: started ? 80 + 80 * random() : null,
      exposure_hours: completed ? RUN_HOURS : started ? RUN_HOURS * random() : 0,
      useful_gpu_hours: completed ? 2 * RUN_HOURS : 0,
      billed_gpu_hours: started ? 2 * RUN_HOURS : 0,
      cost_usd: started ? 2 * RUN_HOURS * offer.usd_per_gpu_hour * (1 + 0.1 * random()) : 0,
      effective_usd_per_gpu_hour: null,
      request: workload,
      advertised_usd_per_gpu_hour: offer.usd_per_gpu_hour,
      advertised_latency_ms: offer.latency_ms,
      features: candidateFeatures(workload, offer, decidedMs),
      mode: 'rules',
      propensity: 1 / PROVIDERS.length,
    });
  });
}

/** Past the end of every one of `rows` outcomes and the grace: all of them have matured. */
export const maturedMs = (rows: number): number => START_MS + rows * MINUTE_MS + 6 * 60 * MINUTE_MS;

/** An outcome as the row that ingest makes of it. */
export function outcomeRowOf(outcome: Outcome, ingestedAtMs: number): Row {
  const { data, attributes } = encodeEvent(routingOutcome, outcome);
  const decoded = decodeEvent(data, attributes);
  if (!decoded.ok) throw new Error(decoded.reason);
  return eventRow(decoded.event, ingestedAtMs);
}

/** A record in memory that answers what training asks; its SQL is proved elsewhere, over the engine itself. */
export function memoryRecord() {
  const rows: { readonly outcome: Outcome; readonly ingestedAtMs: number }[] = [];
  const upTo = (watermark: Cell | undefined): readonly Outcome[] =>
    rows.filter((row) => row.ingestedAtMs <= Date.parse(String(watermark))).map(({ outcome }) => outcome);
  const answer = (name: string, params: Readonly<Record<string, Cell>>): readonly unknown[] => {
    if (name === trainingWatermark.name) {
      const newest = Math.max(...rows.map((row) => row.ingestedAtMs));
      return [{ watermark: rows.length === 0 ? null : rfc3339(newest), matured: rows.length }];
    }
    if (name === maturedSince.name) return [{ matured: rows.length - upTo(params['since']).length }];
    if (name === lessonRows.name) return lessons(params);
    if (name !== trainingExamples.name) throw new Error(`nobody expected query ${name}`);
    return upTo(params['watermark']).map((outcome) => ({
      ...outcome,
      request: JSON.stringify(outcome.request),
      features: JSON.stringify(outcome.features),
    }));
  };
  /** Each event once, in the order in which it was observed. */
  const lessons = (params: Readonly<Record<string, Cell>>): readonly unknown[] => {
    const first = new Map<string, Record<string, unknown>>();
    for (const { outcome, ingestedAtMs } of rows) {
      const id = routingOutcome.eventId(outcome);
      const { request, features } = outcome;
      if (ingestedAtMs <= Date.parse(String(params['arrived_after'])) || first.has(id)) continue;
      if (outcome.observed_at < String(params['observed_from'])) continue;
      first.set(id, {
        ...outcome,
        request: JSON.stringify(request),
        features: features === null ? null : JSON.stringify(features),
        event_id: id,
      });
    }
    const observed = (row: Record<string, unknown>): string =>
      `${row['observed_at']} ${row['decision_id']} ${row['sequence']}`;
    return [...first.values()].sort((a, b) => (observed(a) < observed(b) ? -1 : 1));
  };
  const warehouse: Warehouse = {
    append: async () => undefined,
    query: async <P extends Readonly<Record<string, Cell>>, R>(query: NamedQuery<P, R>, params: P) =>
      answer(query.name, params).map((row) => query.row.parse(row)),
    async *stream(query, params) {
      yield answer(query.name, params).map((row) => query.row.parse(row));
    },
    close: async () => undefined,
  };
  return {
    warehouse,
    add(outcomes: readonly Outcome[], ingestedAtMs: number): void {
      rows.push(...outcomes.map((outcome) => ({ outcome, ingestedAtMs })));
    },
  };
}
