/**
 * learn: keeps what the fast learner knows.
 * In: routing-outcome events (ready and final), model-promoted events. Out: learning/<name>/statistics.json.zst and
 * posterior.json, for the learner on its own (`linear`) and for each version that an alias names. Promise: an outcome is
 * acknowledged only after the statistics that hold it are written, and is in them once, however often it comes and whoever
 * else writes; the posterior is derived from them and put right at start; the event loop stays free, for the learners live in a
 * thread. Statistics that are missing, or of a version that is new to an alias, are built from the record.
 */
import type { Platform } from '#shared/platform.ts';
import { createRegistry } from '#shared/registry/registry.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import { createLearn } from './handler.ts';
import { studyInThread } from './study/in-thread.ts';

/** `eager` false: for a process that lives for one command; the learners are not loaded for nothing. */
export async function compose(platform: Platform, { eager = true } = {}): Promise<FunctionApp> {
  const objects = await platform.objects();
  return createLearn({
    ...platform,
    bus: await platform.bus(),
    objects,
    registry: createRegistry({ objects, worldClock: platform.worldClock }),
    study: studyInThread(),
    eager,
  });
}
