/** Where a kill hurts most: an effect is durable, and whoever caused it has not heard so, let alone told anybody. */

import { intentKey } from '#functions/route/intent.ts';
import { LINEAR } from '#shared/domain/actor.ts';
import { statisticsObject } from '#shared/learning/fast/learned-objects.ts';
import type { InProcess } from './function-process.ts';

/** What became durable: an object, or rows of a table. */
export type Effect = { readonly object: string; readonly created: boolean } | { readonly table: string };

export interface Moment {
  readonly of: InProcess;
  readonly is: (effect: Effect) => boolean;
}

const wrote = (effect: Effect, pattern: RegExp): boolean => 'object' in effect && pattern.test(effect.object);
const created = (effect: Effect, pattern: RegExp): boolean =>
  wrote(effect, pattern) && 'created' in effect && effect.created;
/** Of the entries of state in the bucket (shared/adapters/state/objects.ts). */
const entryOf = (prefix: string): RegExp => new RegExp(`^state/${Buffer.from(prefix).toString('hex')}`);

/** Decisions are in, no push is acknowledged. */
const decisionsAppended: Moment = {
  of: 'ingest',
  is: (effect) => 'table' in effect && effect.table === 'routing_decisions',
};
/** Outcomes are in, no push is acknowledged. */
const outcomesAppended: Moment = {
  of: 'ingest',
  is: (effect) => 'table' in effect && effect.table === 'routing_outcomes',
};
/** Outcomes are in the statistics, no push is acknowledged. */
const learnt: Moment = { of: 'learn', is: (effect) => wrote(effect, new RegExp(`^${statisticsObject(LINEAR)}$`)) };
/** The intent is durable, none of its events is published. */
const intended: Moment = { of: 'route', is: (effect) => created(effect, entryOf(intentKey(''))) };
/** The intent says that its events are published. */
const settled: Moment = {
  of: 'route',
  is: (effect) => wrote(effect, entryOf(intentKey(''))) && !created(effect, entryOf(intentKey(''))),
};
/** The training is under way; whoever comes next finds its lease held by a dead man. */
const training: Moment = { of: 'train', is: (effect) => created(effect, entryOf('leases/train/')) };
/** The version is whole, nobody has heard of it. */
const trained: Moment = { of: 'train', is: (effect) => created(effect, /^models\/router\/[^/]+\/manifest\.json$/) };
/** The verdict stands, no alias has moved. */
const judged: Moment = { of: 'promote', is: (effect) => created(effect, /^models\/router\/[^/]+\/verdict\.json$/) };

/** They come again and again while there is traffic. */
export const OF_TRAFFIC = [decisionsAppended, outcomesAppended, learnt, intended, settled] as const;
/** They come with a training, in this order. */
export const OF_TRAINING = [training, trained, judged] as const;
