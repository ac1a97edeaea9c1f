/**
 * Where a fast learner's knowledge lies in the object store, and the object that scoring reads. `name`: `linear`, the learner
 * on its own, or a model version, the learner with that version's network as its prior mean.
 */
import { z } from 'zod';
import { describeIssues } from '#shared/domain/events/codec.ts';
import { timestamp } from '#shared/domain/primitives.ts';
import { RejectedError } from '#shared/errors.ts';
import {
  type LoadedPosterior,
  loadPosteriorInTurns,
  type PosteriorReader,
  type PosteriorState,
  parsePosterior,
} from './posterior.ts';

export { LINEAR } from '#shared/domain/actor.ts';

export const statisticsObject = (name: string): string => `learning/${name}/statistics.json.zst`;
export const posteriorObject = (name: string): string => `learning/${name}/posterior.json`;

/** The name in either object's own; null for another object's. */
export const learnerOf = (object: string): string | null =>
  /^learning\/([^/]+)\/statistics\.json\.zst$/.exec(object)?.[1] ?? null;

const header = z.object({
  format: z.literal('aurora-served-posterior/1'),
  name: z.string().min(1),
  /** Of the statistics that it was derived from: what a decision logs. */
  statistics_generation: z.string().min(1),
  /** World time. */
  written_at: timestamp,
});
export type PosteriorHeader = z.input<typeof header>;

/** What a posterior says of itself. */
export interface PosteriorFacts {
  readonly name: string;
  readonly statisticsGeneration: string;
  /** World epoch milliseconds. */
  readonly writtenAtMs: number;
}

export interface ServedPosterior extends PosteriorFacts {
  readonly posterior: LoadedPosterior;
}

export interface ReadyPosterior extends PosteriorFacts {
  readonly reader: PosteriorReader;
}

/** The object's bytes around a posterior that is text already: it is megabytes, and whoever writes may have no more turns to give. */
export const posteriorBytes = (head: PosteriorHeader, posterior: Uint8Array): Uint8Array =>
  Buffer.concat([Buffer.from(`${JSON.stringify(head).slice(0, -1)},"posterior":`), posterior, Buffer.from('}')]);

/** The posterior as it goes between the two. */
export const posteriorText = (state: PosteriorState): Uint8Array => Buffer.from(JSON.stringify(state));

/** What the header says, without a look at the numbers. @throws RejectedError artefact_corrupt */
export function posteriorHeader(bytes: Uint8Array): z.output<typeof header> {
  return headerOf(jsonOf(bytes));
}

/** @throws RejectedError artefact_corrupt */
export function parseServedPosterior(bytes: Uint8Array): ServedPosterior {
  const value = jsonOf(bytes);
  return { ...factsOf(value), posterior: parsePosterior((value as { posterior?: unknown }).posterior) };
}

/** The same, ready to score, without holding up whoever else has this thread: posterior.ts says how. @throws as above */
export async function loadServedPosterior(bytes: Uint8Array, pause: () => Promise<void>): Promise<ReadyPosterior> {
  const value = jsonOf(bytes);
  const reader = await loadPosteriorInTurns((value as { posterior?: unknown }).posterior, pause);
  return { ...factsOf(value), reader };
}

function factsOf(value: unknown): PosteriorFacts {
  const { name, statistics_generation: statisticsGeneration, written_at: writtenAt } = headerOf(value);
  return { name, statisticsGeneration, writtenAtMs: Date.parse(writtenAt) };
}

function headerOf(value: unknown): z.output<typeof header> {
  const parsed = header.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new RejectedError('artefact_corrupt', `served posterior: ${describeIssues(parsed.error.issues)}`);
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new RejectedError('artefact_corrupt', `served posterior: expected JSON in UTF-8`, { cause });
  }
}
