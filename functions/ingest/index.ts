/**
 * ingest: every event of the bus in, one row of its table out.
 * In: Pub/Sub pushes of every topic. Out: rows of the warehouse. Promise: a push is acknowledged only after its row is
 * durable; a duplicate changes nothing (the view keeps the first); what cannot be read is quarantined as it came.
 */
import type { Platform } from '#shared/platform.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import { createIngest } from './handler.ts';

export async function compose(platform: Platform): Promise<FunctionApp> {
  return createIngest({ ...platform, warehouse: await platform.warehouse() });
}
