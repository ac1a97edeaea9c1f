/**
 * promote: proves whoever learns before it may serve, and takes back what does not serve well.
 * In: model-trained events; a tick of the cron (`POST /run`). Out: a verdict beside the version (always written, once), looks at
 * the learner on its own, trials in the control object, the champion or apprentice alias moved (forward by a verdict or a trial
 * that was won, back from a version that does not load or earns less than the rules), a model-promoted event of every move.
 * Promise: a redelivered event finds the verdict that stands and only completes what a kill left undone; a tick takes one step,
 * and one that was killed is taken again.
 */
import type { Platform } from '#shared/platform.ts';
import { createRegistry } from '#shared/registry/registry.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import { createPromote } from './handler.ts';

export async function compose(platform: Platform): Promise<FunctionApp> {
  const objects = await platform.objects();
  return createPromote({
    ...platform,
    bus: await platform.bus(),
    warehouse: await platform.warehouse(),
    objects,
    state: await platform.state(),
    stage: platform.config.stage,
    registry: createRegistry({ objects, worldClock: platform.worldClock }),
  });
}
