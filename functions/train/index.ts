/**
 * train: a new model version from the record.
 * In: training-requested events; a tick of the cron (`POST /run`), which publishes one. Out: a version in the registry and a
 * model-trained event, or a report why not. In the cloud a long training is a job: this function again, in a process that handles
 * the one event and ends.
 * Promise: the rows are frozen by a watermark and their hash, the version is named after them, so a redelivered request
 * trains nothing twice; the event loop stays free, for the training runs in a worker.
 */
import { trainInWorker } from '#shared/learning/train/in-worker.ts';
import type { Platform } from '#shared/platform.ts';
import { createRegistry } from '#shared/registry/registry.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import { createTrain } from './handler.ts';

/** Pub/Sub waits ten minutes for an answer, a job's task an hour (terraform/modules/job). */
const PUSH_DEADLINE_MS = 590_000;
const JOB_DEADLINE_MS = 3_500_000;

export async function compose(platform: Platform): Promise<FunctionApp> {
  const objects = await platform.objects();
  return createTrain({
    ...platform,
    bus: await platform.bus(),
    state: await platform.state(),
    warehouse: await platform.warehouse(),
    registry: createRegistry({ objects, worldClock: platform.worldClock }),
    trainModel: trainInWorker,
    startJob: platform.startJob,
    deadlineMs: platform.config.jobEvent === null ? PUSH_DEADLINE_MS : JOB_DEADLINE_MS,
  });
}
