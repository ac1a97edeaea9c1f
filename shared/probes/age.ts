/** What is written anew again and again is young. */
import { z } from 'zod';
import { type CheckContext, defineCheck, fail, pass } from './check.ts';
import { loopOf } from './looks.ts';
import { rounded } from './seen.ts';
import type { LoopReader } from './tools.ts';

interface AgeCheck {
  readonly kind: string;
  /** World seconds. */
  readonly maxAgeS: number;
  /** Whether there must be one, where the suite does not say. */
  readonly required: boolean;
  /** World milliseconds since it was written; null: there is none. */
  readonly ageMs: (loop: LoopReader, context: CheckContext) => Promise<number | null>;
  readonly remedies: { readonly none: string; readonly old: string };
}

/** A check of the loop that holds an age against a limit. */
export function defineAgeCheck({ kind, maxAgeS, required, ageMs, remedies }: AgeCheck) {
  const spec = z.strictObject({
    /** World seconds. */
    max_age_s: z.number().gt(0).max(31_536_000).default(maxAgeS),
    /** False: there may be none yet. */
    required: z.boolean().default(required),
  });
  type Spec = z.infer<typeof spec>;
  return defineCheck({
    kind,
    on: 'loop',
    spec,
    observe: (_: Spec, __, tools, context): Promise<number | null> => ageMs(loopOf(tools), context),
    judge(wanted, seen) {
      const evidence = { age_s: seen === null ? null : rounded(seen / 1_000), max_age_s: wanted.max_age_s };
      if (seen === null) return wanted.required ? fail(evidence, remedies.none) : pass(evidence);
      return seen <= wanted.max_age_s * 1_000 ? pass(evidence) : fail(evidence, remedies.old);
    },
  });
}
