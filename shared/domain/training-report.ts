import { z } from 'zod';

/** `training/<event_id>`: what became of a training request, for whoever asked. */
export const trainingReport = z.object({
  result: z.enum(['trained', 'known', 'skipped', 'failed']),
  /** Null when nothing was trained. */
  version: z.string().nullable(),
  reason: z.string().nullable(),
  rows: z.int(),
});
export type TrainingReport = z.infer<typeof trainingReport>;

export const trainingKey = (eventId: string): string => `training/${eventId}`;
