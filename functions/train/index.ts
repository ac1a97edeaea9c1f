/**
 * train: a new model version from the record.
 * In: training-requested events. Out: a version in the registry and a model-trained event, or a report why not.
 * Promise: the rows are frozen by a watermark and their hash, the version is named after them, so a redelivered request
 * trains nothing twice; the event loop stays free, for the training runs in a worker.
 */
import { trainInWorker } from '#shared/learning/train/in-worker.ts';
import type { Platform } from '#shared/platform.ts';
import { createRegistry } from '#shared/registry/registry.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import { createTrain } from './handler.ts';

export async function compose(platform: Platform): Promise<FunctionApp> {
  const objects = await platform.objects();
  return createTrain({
    ...platform,
    bus: await platform.bus(),
    state: await platform.state(),
    warehouse: await platform.warehouse(),
    registry: createRegistry({ objects, worldClock: platform.worldClock }),
    trainModel: trainInWorker,
  });
}
