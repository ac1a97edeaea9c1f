/** One change of the control object, as it goes on record: `control/log/000042.json`. */
import { z } from 'zod';
import { control, shareBy, stage, trial } from './control.ts';
import { name, probability, timestamp } from './primitives.ts';

/** 30 days: what lasts longer is no incident. World time. */
const MAX_INCIDENT_MS = 30 * 86_400_000;

export const change = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('stage'), stage }),
  z.strictObject({
    kind: z.literal('share'),
    share: probability,
    /** Default: as it is. */
    share_by: shareBy.optional(),
  }),
  z.strictObject({ kind: z.literal('kill') }),
  z.strictObject({ kind: z.literal('resume') }),
  /** Null: ends the one that there is. */
  z.strictObject({
    kind: z.literal('trial'),
    trial: trial.nullable(),
    /** The start of the one that is to end, and no other; default: whichever there is. */
    ends: timestamp.optional(),
  }),
  z.strictObject({ kind: z.literal('incident_add'), for_ms: z.int().min(1).max(MAX_INCIDENT_MS) }),
  z.strictObject({ kind: z.literal('incident_end'), id: name }),
]);
export type Change = z.infer<typeof change>;

/** What the object says of its own last change. */
export const changeNote = z.strictObject({
  /** From 1. */
  sequence: z.int().min(1),
  /** World time. */
  at: timestamp,
  by: name,
  reason: z.string().min(1).max(1024),
  change,
});
export type ChangeNote = z.infer<typeof changeNote>;

export const changeEntry = changeNote.extend({
  /** As it was from then on. */
  control,
});
export type ChangeEntry = z.infer<typeof changeEntry>;
