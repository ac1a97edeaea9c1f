import { z } from 'zod';

/** The features of one candidate as scored: raw, before a model's own vocabulary and scaling. Order is the feature set's. */
export const features = z.object({
  set: z.string().min(1).max(64),
  /** Hash of the set's definition: names in order. */
  hash: z.string().min(1).max(64),
  numeric: z.array(z.number()).max(256),
  categorical: z.array(z.string().max(256)).max(64),
});
export type Features = z.infer<typeof features>;
