import type { Decision } from '#shared/domain/decision.ts';
import { routingOutcome } from '#shared/domain/events/catalogue.ts';
import { decodeEvent, encodeEvent, eventRow } from '#shared/domain/events/codec.ts';
import type { Offer } from '#shared/domain/offer.ts';
import type { Outcome } from '#shared/domain/outcome.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { candidateFeatures } from '#shared/learning/features.ts';
import type { Cell, NamedQuery, Row, Warehouse } from '#shared/ports/warehouse.ts';
import type { DayCount } from '#shared/queries/days.ts';
import { actorsDecisions, decisionDays, recordedDecisions } from '#shared/queries/decision-record.ts';
import { lessonDays, lessonRows } from '#shared/queries/learning.ts';
import { maturedSince, trainingDays, trainingExamples, trainingWatermark } from '#shared/queries/training.ts';
import { trialDecisions } from '#shared/queries/trial-record.ts';
import { classicScore } from '#shared/rules/classic-score.ts';
import { decisionPayload } from '#test/contract/warehouse-rows.ts';
import { seeded } from './model.ts';
import { anOffer, aWorkload } from './offers.ts';
import { anOutcome } from './outcomes.ts';

const START_MS = Date.UTC(2026, 0, 1);
const MINUTE_MS = 60_000;
const RUN_HOURS = 1;

/** P(completes) of each provider: what there is to learn. */
const TRUTH = { solid: 0.95, plain: 0.8, boaster: 0.35 } as const;
const PROVIDERS = Object.keys(TRUTH) as (keyof typeof TRUTH)[];

const WORKLOAD = aWorkload({ gpu_hours: 2 * RUN_HOURS, gpu_count: 2 });

/** Final outcomes of explored decisions, one a minute, each an hour long, with the features that route would have logged. */
export function recordedOutcomes(rows: number, seed = 1): Outcome[] {
  const dice = seeded(seed);
  return Array.from({ length: rows }, (_, index) => {
    const provider = PROVIDERS[Math.floor(dice() * PROVIDERS.length)] ?? 'solid';
    const offer = anOffer({ provider, offer_id: `${provider}:1`, usd_per_gpu_hour: 0.3 + 0.2 * dice() });
    return outcomeOf(index, offer, TRUTH[provider], dice);
  });
}

/**
 * A record that takes a network: whoever is slow, or of high repute, but not both, keeps its promises, and no sum of the two says
 * so. Each row is a function of its index and the seed.
 * @param contrary the others keep theirs instead
 */
export const crossedOutcomes = (rows: number, { seed = 1, contrary = false } = {}): Outcome[] =>
  Array.from({ length: rows }, (_, index) => {
    const { offers, dice } = sceneOf(index, seed);
    const offer = offers[Math.floor(dice() * offers.length)] as Offer;
    const crossed = (offer.latency_ms ?? 0) > 100 !== (offer.reputation ?? 0) > 90;
    return outcomeOf(index, offer, crossed === contrary ? 0.25 : 0.95, dice);
  });

/** What could be taken, and the dice of what became of it. */
function sceneOf(index: number, seed: number): { readonly offers: readonly Offer[]; readonly dice: () => number } {
  const dice = seeded(1_000_003 * seed + index);
  // The first draws of neighbouring seeds are alike.
  dice();
  const offers = PROVIDERS.map((provider) =>
    anOffer({
      provider,
      offer_id: `${provider}:1`,
      usd_per_gpu_hour: 0.3 + 0.2 * dice(),
      latency_ms: dice() < 0.5 ? 60 : 160,
      reputation: dice() < 0.5 ? 82 : 98,
    }),
  );
  return { offers, dice };
}

const idOf = (index: number): string => `d${String(index).padStart(5, '0')}`;

function outcomeOf(index: number, offer: Offer, chance: number, dice: () => number): Outcome {
  const decidedMs = START_MS + index * MINUTE_MS;
  const completed = dice() < chance;
  const started = completed || dice() < 0.5;
  return anOutcome({
    decision_id: idOf(index),
    provider: offer.provider,
    offer_id: offer.offer_id,
    decided_at: rfc3339(decidedMs),
    observed_at: rfc3339(decidedMs + (completed ? 62 : 5) * MINUTE_MS),
    status: completed ? 'completed' : started ? 'preempted' : 'failed_to_start',
    blame: completed ? null : 'provider',
    ready_ms: started ? 60_000 + 60_000 * dice() : null,
    latency_ms: started ? 80 + 80 * dice() : null,
    exposure_hours: completed ? RUN_HOURS : started ? RUN_HOURS * dice() : 0,
    useful_gpu_hours: completed ? 2 * RUN_HOURS : 0,
    billed_gpu_hours: started ? 2 * RUN_HOURS : 0,
    cost_usd: started ? 2 * RUN_HOURS * offer.usd_per_gpu_hour * (1 + 0.1 * dice()) : 0,
    effective_usd_per_gpu_hour: null,
    request: WORKLOAD,
    advertised_usd_per_gpu_hour: offer.usd_per_gpu_hour,
    advertised_latency_ms: offer.latency_ms,
    features: candidateFeatures(WORKLOAD, offer, decidedMs),
    mode: 'rules',
    propensity: 1 / PROVIDERS.length,
  });
}

/** The decision that an outcome of `crossedOutcomes` followed from: three offers, one drawn with even chances. */
export function decisionBehind({ decision_id, propensity, offer_id, provider }: Outcome, seed = 1): Decision {
  const index = Number(decision_id.slice(1));
  const decidedMs = START_MS + index * MINUTE_MS;
  const { offers } = sceneOf(index, seed);
  return {
    ...decisionPayload(decision_id),
    decided_at: rfc3339(decidedMs),
    request: WORKLOAD,
    candidates: offers.map((offer) => ({
      provider: offer.provider,
      offer_id: offer.offer_id,
      usd_per_gpu_hour: offer.usd_per_gpu_hour,
      latency_ms: offer.latency_ms,
      rule_score: classicScore(WORKLOAD.weights, offer),
      probability: 1 / offers.length,
      expected_utility: null,
      utility_variance: null,
      lead_variance: null,
      predicted: null,
      features: candidateFeatures(WORKLOAD, offer, decidedMs),
      dropped: false,
    })),
    final_provider: provider,
    final_offer_id: offer_id,
    propensity,
  };
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

/** The text of what rows hold; they are asked for again and again, and never change. */
const texts = new WeakMap<object, string>();
function textOf(value: object): string {
  const text = texts.get(value) ?? JSON.stringify(value);
  texts.set(value, text);
  return text;
}

/** A record in memory that answers what training and promotion ask; its SQL is proved elsewhere, over the engine itself. */
export function memoryRecord() {
  const rows: { readonly outcome: Outcome; readonly ingestedAtMs: number }[] = [];
  const decided: { readonly decision: Decision; readonly ingestedAtMs: number }[] = [];
  const upTo = (watermark: Cell | undefined): readonly Outcome[] =>
    rows.filter((row) => row.ingestedAtMs <= Date.parse(String(watermark))).map(({ outcome }) => outcome);
  const decidedSince = ({ watermark, since }: Readonly<Record<string, Cell>>): readonly Outcome[] =>
    upTo(watermark).filter(({ decided_at }) => decided_at >= String(since));
  const answer = (name: string, params: Readonly<Record<string, Cell>>): readonly unknown[] => {
    if (name === trainingWatermark.name) {
      const newest = Math.max(...rows.map((row) => row.ingestedAtMs));
      return [{ watermark: rows.length === 0 ? null : rfc3339(newest) }];
    }
    if (name === maturedSince.name) return [{ matured: rows.length - upTo(params['since']).length }];
    if (name === lessonRows.name) return lessons(params);
    if (name === lessonDays.name)
      return byDay(
        lessons({ ...params, observed_from: params['from'] ?? null }),
        'observed_at',
        (row) => row['final'] === true,
      );
    if (name === decisionDays.name)
      return byDay(decisions({ ...params, limit: Number.MAX_SAFE_INTEGER }), 'decided_at', () => true);
    if (name === recordedDecisions.name || name === actorsDecisions.name) return decisions(params);
    if (name === trialDecisions.name) return trialRows(params);
    if (name === trainingDays.name) return byDay(decidedSince(params), 'decided_at', () => true);
    if (name !== trainingExamples.name) throw new Error(`nobody expected query ${name}`);
    return decidedSince(params)
      .slice(-Number(params['limit']))
      .map((outcome) => ({
        ...outcome,
        request: textOf(outcome.request),
        features: outcome.features === null ? 'null' : textOf(outcome.features),
      }));
  };
  /** Each event once, in the order in which it was observed. */
  const lessons = (params: Readonly<Record<string, Cell>>): readonly Record<string, unknown>[] => {
    const first = new Map<string, Record<string, unknown>>();
    for (const { outcome, ingestedAtMs } of rows) {
      const id = routingOutcome.eventId(outcome);
      const { request, features } = outcome;
      if (ingestedAtMs <= Date.parse(String(params['arrived_after'])) || first.has(id)) continue;
      if (outcome.observed_at < String(params['observed_from'])) continue;
      first.set(id, {
        ...outcome,
        request: textOf(request),
        features: features === null ? null : textOf(features),
        event_id: id,
      });
    }
    const observed = (row: Record<string, unknown>): string =>
      `${row['observed_at']} ${row['decision_id']} ${row['sequence']}`;
    return [...first.values()].sort((a, b) => (observed(a) < observed(b) ? -1 : 1));
  };
  const byDay = (
    found: readonly Readonly<Record<string, unknown>>[],
    instant: string,
    counts: (row: Readonly<Record<string, unknown>>) => boolean,
  ): readonly DayCount[] => {
    const days = Map.groupBy(found, (row) => String(row[instant]).slice(0, 10));
    return [...days]
      .map(([day, of]) => ({ day, at_least: of.filter(counts).length }))
      .sort((a, b) => (a.day < b.day ? 1 : -1));
  };
  /** How the first attempt of each decision ended. */
  const firstEnds = (): ReadonlyMap<string, Outcome> =>
    new Map(
      rows.flatMap(({ outcome }) => (outcome.final && outcome.attempt === 0 ? [[outcome.decision_id, outcome]] : [])),
    );
  const endOf = (end: Outcome | undefined) => ({
    status: end?.status ?? null,
    blame: end?.blame ?? null,
    ready_ms: end?.ready_ms ?? null,
    latency_ms: end?.latency_ms ?? null,
    useful_gpu_hours: end?.useful_gpu_hours ?? null,
    cost_usd: end?.cost_usd ?? null,
  });
  const actorOf = ({ mode, arm, model_version }: Decision): string | null =>
    mode === 'online' ? (arm ?? model_version) : mode === 'switchback' ? arm : 'rules';
  const decisions = (params: Readonly<Record<string, Cell>>): readonly Record<string, unknown>[] => {
    const ends = firstEnds();
    return decided
      .filter(({ ingestedAtMs }) => ingestedAtMs <= Date.parse(String(params['watermark'])))
      .filter(({ decision }) => decision.decided_at.slice(0, 10) >= String(params['from']).slice(0, 10))
      .filter(({ decision }) => params['actor'] == null || actorOf(decision) === params['actor'])
      .slice(-Number(params['limit']))
      .map(({ decision }) => ({
        ...decision,
        request: textOf(decision.request),
        candidates: textOf(decision.candidates),
        actor: actorOf(decision),
        ...endOf(ends.get(decision.decision_id)),
      }));
  };
  const trialRows = (params: Readonly<Record<string, Cell>>): readonly unknown[] => {
    const ends = firstEnds();
    return decided
      .filter(({ decision }) => decision.decided_at >= String(params['decided_from']))
      .map(({ decision: { decision_id, decided_at, request } }) => ({
        decided_at,
        request: textOf(request),
        ...endOf(ends.get(decision_id)),
      }));
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
    decide(decisions: readonly Decision[], ingestedAtMs: number): void {
      decided.push(...decisions.map((decision) => ({ decision, ingestedAtMs })));
    },
  };
}
