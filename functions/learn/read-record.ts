/** The record into a learner, in the order in which it was observed; a batch at a time, so that memory does not grow with it. */
import { MAX_REBUILD_ROWS, MS_PER_HOUR } from '#shared/defaults.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { TransientError } from '#shared/errors.ts';
import { newestLessons } from '#shared/learning/record/read-record.ts';
import type { WorldClock } from '#shared/ports/clock.ts';
import type { Log } from '#shared/ports/log.ts';
import type { Warehouse } from '#shared/ports/warehouse.ts';
import { lessonRows } from '#shared/queries/learning.ts';
import type { Keeper } from './keeper.ts';
import type { ModelFiles } from './study/baselines.ts';

const EVER = rfc3339(0);
/** Before the newest that a learner knows: outcomes are known in another order than they happen. What is known twice counts once. */
const OVERLAP_MS = MS_PER_HOUR;
const ROWS_PER_LINE = 10_000;

/**
 * All of it. Of a version that does not tell what was predicted of its training's rows without them: what that training cannot
 * have seen. A version that comes back to serve goes on from where it was left.
 * @throws TransientError draining when stopped
 */
export async function readRecord(
  keeper: Keeper,
  model: ModelFiles | null,
  deps: {
    readonly warehouse: () => Promise<Warehouse>;
    readonly worldClock: WorldClock;
    readonly log: Log;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { newestMs } = keeper.view();
  const warehouse = await deps.warehouse();
  const arrivedAfter = model === null || model.outOfFold !== null ? EVER : model.manifest.training.watermark;
  const params =
    newestMs === null
      ? await newestLessons(warehouse, deps.worldClock.now(), arrivedAfter)
      : { observed_from: rfc3339(newestMs - OVERLAP_MS), arrived_after: arrivedAfter, limit: MAX_REBUILD_ROWS };
  let rows = 0;
  let applied = 0;
  for await (const batch of warehouse.stream(lessonRows, params)) {
    if (deps.signal.aborted) throw new TransientError('draining', `reading the record for ${keeper.name} was stopped`);
    const counts = await keeper.readRecord(batch);
    applied += counts.applied ?? 0;
    const before = rows;
    rows += batch.length;
    if (Math.floor(rows / ROWS_PER_LINE) > Math.floor(before / ROWS_PER_LINE))
      deps.log.info({ learner: keeper.name, rows, applied }, 'learner reads the record');
  }
  deps.log.info({ learner: keeper.name, rows, applied, ...params }, 'learner has read the record');
}
