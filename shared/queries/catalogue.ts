/** What the warehouse is asked, by whom and with which parameters: of queries that are asked for one id or instant, such a one. */
import {
  MAX_BLOCK_DECISIONS,
  MAX_JUDGED_DECISIONS,
  MAX_REBUILD_ROWS,
  MAX_TRAINING_ROWS,
  MS_PER_DAY,
  MS_PER_HOUR,
  ROLLBACK_RULES_DECISIONS,
  SWITCHBACK_MAX_BLOCK_MS,
} from '#shared/defaults.ts';
import { LINEAR } from '#shared/domain/actor.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import type { Cell, EstimateQuery, NamedQuery, QueryEstimate } from '#shared/ports/warehouse.ts';
import { actorsDecisions, decisionDays, recordedDecisions } from './decision-record.ts';
import { decisionById, outcomesByDecision } from './decisions.ts';
import { decisionIds, outcomeIds } from './event-ids.ts';
import { decisionsBetween, outcomesBetween } from './known-events.ts';
import { lessonDays, lessonRows } from './learning.ts';
import { loopCounts } from './loop-counts.ts';
import { canarySeen, probeBurnRate, probeUptime } from './probes.ts';
import { providerPrices } from './provider-prices.ts';
import { realisedByMode } from './realised.ts';
import { rejectedById, rejectedCounts, rejectedList } from './rejected.ts';
import { maturedSince, trainingDays, trainingExamples, trainingWatermark } from './training.ts';
import { trialDecisions } from './trial-record.ts';

type Params = Readonly<Record<string, Cell>>;

export interface CataloguedQuery {
  readonly name: string;
  /** Who asks, and for what. */
  readonly purpose: string;
  /** As they ask at an instant, epoch milliseconds. */
  readonly params: (nowMs: number) => Params;
  /** What asking so would read. */
  readonly estimate: (estimate: EstimateQuery, nowMs: number) => Promise<QueryEstimate>;
}

const listed = <P extends Params, R>(
  query: NamedQuery<P, R>,
  purpose: string,
  params: (nowMs: number) => P,
): CataloguedQuery => ({
  name: query.name,
  purpose,
  params,
  estimate: (estimate, nowMs) => estimate(query, params(nowMs)),
});

const none = (): Record<string, never> => ({});
const ago = (nowMs: number, days: number): string => rfc3339(nowMs - days * MS_PER_DAY);
/** As many days as who wants the newest looks at first. */
const OF_LATE = (nowMs: number) => ({ from: ago(nowMs, 8), watermark: rfc3339(nowMs) });
const OF_EIGHT_DAYS = (nowMs: number) => ({ since: ago(nowMs, 4), watermark: rfc3339(nowMs) });
const AN_ID = { decision_id: '0'.repeat(32) };

export const CATALOGUE: readonly CataloguedQuery[] = [
  listed(canarySeen, 'probe: whether a synthetic decision came through', (nowMs) => ({
    ...AN_ID,
    since: ago(nowMs, 1),
  })),
  listed(probeUptime, 'a person: how often each check was well in 30 days', (nowMs) => ({
    suite: 'production',
    since: ago(nowMs, 30),
  })),
  listed(probeBurnRate, 'a person: how fast error budgets go', (nowMs) => ({
    suite: 'production',
    since: ago(nowMs, 1),
    objective: 0.999,
  })),
  listed(trainingWatermark, 'train, promote: how far the record goes', none),
  listed(maturedSince, 'train, promote: how much is new', (nowMs) => ({ since: ago(nowMs, 1) })),
  listed(trainingDays, 'train, promote: the days of the newest attempts', OF_EIGHT_DAYS),
  listed(trainingExamples, 'train, promote: attempts of eight days, to learn from', (nowMs) => ({
    ...OF_EIGHT_DAYS(nowMs),
    limit: MAX_TRAINING_ROWS,
  })),
  listed(lessonDays, 'learn, promote: the days of the newest outcomes', (nowMs) => ({
    from: ago(nowMs, 8),
    arrived_after: rfc3339(0),
  })),
  listed(lessonRows, 'learn, promote: outcomes of eight days, to build a learner from', (nowMs) => ({
    observed_from: ago(nowMs, 8),
    arrived_after: rfc3339(0),
    limit: MAX_REBUILD_ROWS,
  })),
  listed(decisionDays, 'promote: the days of the newest decisions', (nowMs) => ({ ...OF_LATE(nowMs), actor: null })),
  listed(recordedDecisions, 'promote: decisions of eight days, to judge on', (nowMs) => ({
    ...OF_LATE(nowMs),
    limit: MAX_JUDGED_DECISIONS,
  })),
  listed(actorsDecisions, 'promote: decisions of one actor in eight days, to look back at', (nowMs) => ({
    ...OF_LATE(nowMs),
    limit: ROLLBACK_RULES_DECISIONS,
    actor: LINEAR,
  })),
  listed(trialDecisions, 'promote, vm trials: decisions of a trial that began eight days ago', (nowMs) => ({
    decided_from: ago(nowMs, 8),
    block_ms: SWITCHBACK_MAX_BLOCK_MS,
    per_block: MAX_BLOCK_DECISIONS,
  })),
  listed(decisionById, 'vm explain: one decision', () => AN_ID),
  listed(outcomesByDecision, 'vm explain: what became of it', () => AN_ID),
  listed(loopCounts, 'vm status: how much is on record', none),
  listed(decisionsBetween, 'vm replay: decisions of a day that are on record', (nowMs) => ({
    from: ago(nowMs, 1),
    to: rfc3339(nowMs),
  })),
  listed(outcomesBetween, 'vm replay: outcomes of a day that are on record', (nowMs) => ({
    from: ago(nowMs, 1),
    to: rfc3339(nowMs),
  })),
  listed(rejectedList, 'vm rejected list', () => ({ limit: 50, code: null })),
  listed(rejectedById, 'vm rejected replay', () => ({ event_id: '0'.repeat(32) })),
  listed(rejectedCounts, 'people: what is rejected, by function and reason', none),
  listed(realisedByMode, 'people: what first attempts came to, by mode', none),
  listed(providerPrices, 'people: prices per GPU type and provider, hour by hour of a week', (nowMs) => ({
    from: ago(nowMs, 7),
    to: rfc3339(nowMs),
    bucket_ms: MS_PER_HOUR,
  })),
  listed(decisionIds, 'audits: every decision, and its copies', none),
  listed(outcomeIds, 'audits: every outcome, and its copies', none),
];
