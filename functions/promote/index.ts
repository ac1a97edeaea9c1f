/**
 * promote: proves a version on the record before it may serve, and keeps the aliases on versions that can.
 * In: model-trained events; a tick of the cron (`POST /run`). Out: a verdict beside the version (always written, once), the
 * champion or apprentice alias moved (forward by a verdict, back from a version that does not load), a model-promoted event of
 * every move. Promise: a redelivered event finds the verdict that stands and only completes what a kill left undone.
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
    registry: createRegistry({ objects, worldClock: platform.worldClock }),
  });
}
