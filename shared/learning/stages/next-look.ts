import { FIRST_LOOK, LOOK_GROWTH } from '#shared/defaults.ts';

/**
 * Ended attempts at which the learner on its own is judged next.
 * @param last how many had ended at its last look; null: there was none
 */
export const nextLookAt = (last: number | null): number => Math.max(FIRST_LOOK, Math.ceil((last ?? 0) * LOOK_GROWTH));
