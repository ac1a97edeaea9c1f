/**
 * What people (and the gate) say of who acts: one small object that score and route poll. All of it is values, so that every
 * instance does the same at the same instant without asking anybody.
 */
import { z } from 'zod';
import { count, name, probability, timestamp } from './primitives.ts';

/**
 * apprentice: the rules act, whatever has been proved; auto: who has been proved acts, and trials run; online: the champion, or
 * without one the fast learner on its own, acts.
 */
export const stage = z.enum(['apprentice', 'auto', 'online']);
export type Stage = z.infer<typeof stage>;

export const shareBy = z.enum(['request', 'tenant']);
export type ShareBy = z.infer<typeof shareBy>;

const reason = z.string().min(1).max(1024);

/** Who, why and when, world time. */
const kill = z.strictObject({ by: name, reason, at: timestamp });

/** One comparison of two actors in turns (a switchback). */
export const trial = z
  .strictObject({
    challenger: name,
    /** World time: the first instant of block 0. */
    start: timestamp,
    /** World milliseconds. */
    block_ms: z.int().min(1),
    /** At the start of each block; less than block_ms. */
    washout_ms: count,
    /** Of the order inside the pairs. */
    seed: z.int().min(0).max(0xffff_ffff),
    /** [control, challenger] */
    arms: z.tuple([name, name]).readonly(),
  })
  .refine(({ washout_ms, block_ms }) => washout_ms < block_ms, 'expected a wash-out shorter than its block');
export type Trial = Readonly<z.infer<typeof trial>>;

/** A time in which nothing is explored. It always ends by itself. World time. */
export const incident = z
  .strictObject({ id: name, reason, by: name, from: timestamp, until: timestamp })
  .refine(({ from, until }) => from < until, 'expected an end after the beginning');
export type Incident = z.infer<typeof incident>;

export const MAX_INCIDENTS = 64;

/** `control/policy.json` */
export const control = z.strictObject({
  format: z.literal('aurora-control/1'),
  stage,
  /** Of the decisions that a learner may decide; the rules decide the others. */
  share: probability,
  /** Whose hash says which: each request's, by its decision id, or its tenant's, who then meets one actor alone. */
  share_by: shareBy.default('request'),
  /** Not null: the rules act, whatever else stands here. */
  kill: kill.nullable(),
  trial: trial.nullable(),
  incidents: z.array(incident).max(MAX_INCIDENTS),
});
export type Control = z.infer<typeof control>;

/** As long as nobody has said anything. */
export const defaultControl = (stage: Stage): Control => ({
  format: 'aurora-control/1',
  stage,
  share: 1,
  share_by: 'request',
  kill: null,
  trial: null,
  incidents: [],
});

export const openIncidents = ({ incidents }: Control, atMs: number): readonly Incident[] =>
  incidents.filter(({ from, until }) => Date.parse(from) <= atMs && atMs < Date.parse(until));
