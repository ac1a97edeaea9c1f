import { z } from 'zod';
import { timestamp } from '#shared/domain/primitives.ts';

export const verdictKind = z.enum(['promote', 'reject', 'not-enough-evidence']);

/** What the gate said of a version, and why: `models/router/<version>/verdict.json`, written once. */
export const verdict = z.strictObject({
  verdict: verdictKind,
  /** In plain words, most weighty first. */
  reasons: z.array(z.string().min(1).max(1024)).max(64),
  checks: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(128),
        /** Null: could not be decided on this evidence. */
        passed: z.boolean().nullable(),
        value: z.number().nullable(),
        limit: z.number().nullable(),
        note: z.string().max(1024),
      }),
    )
    .max(128),
  metrics: z.record(z.string().max(128), z.number().nullable()),
  /** World time. */
  decided_at: timestamp,
  /** The champion at that time; null when the rules acted. */
  compared_with: z.string().nullable(),
});
export type Verdict = z.infer<typeof verdict>;
