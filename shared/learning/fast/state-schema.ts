/** The parts that both objects of the learner are made of: words, drifts, variances. */
import { z } from 'zod';
import { eachHead } from '../heads.ts';
import { LOCAL_CLASSES, SHARED_CLASSES } from './effects.ts';

export const finite = z.number();
const positive = z.number().positive();
const probability = z.number().min(0).max(1);
/** World epoch milliseconds. */
export const instant = z.number();

const wordsOf = (classes: readonly string[]) =>
  z
    .array(z.string().refine((word) => classes.includes(word.slice(0, word.indexOf(':'))), 'expected class:word'))
    .max(1_024)
    .refine((words) => new Set(words).size === words.length, 'expected each word once')
    .readonly();

/** Of all providers, and of each one. */
export const wordsState = z.strictObject({
  shared: wordsOf(SHARED_CLASSES),
  local: z.record(z.string(), wordsOf(LOCAL_CLASSES)),
});

export const variancesState = z.strictObject({
  shared: z.array(positive).length(SHARED_CLASSES.length).readonly(),
  local: z.array(positive).length(LOCAL_CLASSES.length).readonly(),
  noise: positive,
});

const driftState = z.strictObject({
  belief: z.array(probability).min(1).max(64).readonly(),
  since_ms: instant.nullable(),
  seen: z.int().min(0).default(0),
});
export const driftsState = z.strictObject({
  ...eachHead(() => driftState),
  running: z.int().min(0),
  rate: finite,
  seen_ms: instant,
});

/** A record with one entry per head. */
export const perHead = <T extends z.ZodType>(head: T) => z.strictObject(eachHead(() => head));
