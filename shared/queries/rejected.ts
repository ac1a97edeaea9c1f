import { z } from 'zod';
import { timestamp } from '#shared/domain/primitives.ts';
import { defineQuery, EVERY_DAY, firstArrivals } from './fragments.ts';

const rejectedRow = z.object({
  event_id: z.string(),
  rejected_at: timestamp,
  function_name: z.string(),
  subscription: z.string().nullable(),
  message_id: z.string().nullable(),
  event_type: z.string().nullable(),
  code: z.string(),
  reason: z.string(),
});
const COLUMNS = Object.keys(rejectedRow.shape).join(', ');

/** Rejected events, newest first, without their bytes. `code` null = every code. */
export const rejectedList = defineQuery({
  name: 'rejected_list',
  params: z.strictObject({ limit: z.int().min(1), code: z.string().nullable() }),
  row: rejectedRow,
  sql: (dialect) => `
SELECT ${COLUMNS}
FROM ${firstArrivals(dialect, 'rejected_events', EVERY_DAY)}
WHERE (${dialect.param('code')} IS NULL OR code = ${dialect.param('code')})
ORDER BY rejected_at DESC, event_id
LIMIT ${dialect.param('limit')}`,
});

/** One rejected event with its bytes (base64) and attributes (JSON text). No row when there is none. */
export const rejectedById = defineQuery({
  name: 'rejected_by_id',
  params: z.strictObject({ event_id: z.string().min(1) }),
  row: rejectedRow.extend({ raw_base64: z.string(), attributes: z.string() }),
  sql: (dialect) => `
SELECT ${COLUMNS}, raw_base64, attributes
FROM ${firstArrivals(dialect, 'rejected_events', `${EVERY_DAY} AND event_id = ${dialect.param('event_id')}`)}
ORDER BY rejected_at
LIMIT 1`,
});

/** How many events each function rejected for which reason, most first. */
export const rejectedCounts = defineQuery({
  name: 'rejected_counts',
  params: z.strictObject({}),
  row: z.object({ code: z.string(), function_name: z.string(), rejected: z.int(), last_rejected_at: timestamp }),
  sql: (dialect) => `
SELECT code, function_name, COUNT(*) AS rejected, MAX(rejected_at) AS last_rejected_at
FROM ${firstArrivals(dialect, 'rejected_events', EVERY_DAY)}
GROUP BY code, function_name
ORDER BY rejected DESC, code, function_name`,
});
