import { TABLES } from '#shared/domain/events/schemas.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import type { TableName } from '#shared/domain/tables.ts';
import type { Platform } from '#shared/platform.ts';

const MS_PER_DAY = 86_400_000;

/** Removes what happened more than `keepDays` of world time ago, so that the directory of a stack that runs for ever stays bounded. */
export async function trimRecord(platform: Platform, keepDays: number): Promise<number> {
  const warehouse = await platform.warehouse();
  const before = rfc3339(platform.worldClock.now() - keepDays * MS_PER_DAY).slice(0, 10);
  let removed = 0;
  for (const table of TABLES.map(({ name }): TableName => name)) removed += await warehouse.removeBefore(table, before);
  if (removed > 0) platform.log.info({ removed, before }, 'old rows removed');
  return removed;
}
