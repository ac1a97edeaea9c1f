import { MAX_REJECTED_ENVELOPE_BYTES } from '#shared/defaults.ts';
import { EVENTS, type EventType } from '#shared/domain/events/catalogue.ts';
import { type DecodedEvent, decodeEvent, encodeEvent, eventRow } from '#shared/domain/events/codec.ts';
import type { TableName } from '#shared/domain/tables.ts';
import { RejectedError } from '#shared/errors.ts';
import type { WorldClock } from '#shared/ports/clock.ts';
import type { Row, Warehouse } from '#shared/ports/warehouse.ts';
import { eventFunction } from '#shared/runtime/event-function.ts';
import type { RuntimeDeps } from '#shared/runtime/http-function.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import { type Coalescer, createCoalescer } from './coalesce.ts';

export interface IngestDeps extends RuntimeDeps {
  readonly worldClock: WorldClock;
  readonly warehouse: Warehouse;
}

/** One appender call: large enough to amortise its commit, small enough to stay in a few MB. */
const MAX_BATCH_ROWS = 1_000;
/** Of one table: two batches wait while one is written. */
const MAX_PENDING_ROWS = 2_000;
/** Twice what all its subscriptions have in flight: a refused push costs the message one of its attempts. */
const MAX_CONCURRENT_PUSHES = 4_096;
/** Its subscriptions' budget (shared/topology.ts): longer than the warehouse's own patience, so that the bus hears what is wrong. */
const INGEST_DEADLINE_MS = 30_000;

export function createIngest(deps: IngestDeps): FunctionApp {
  const stamp = strictlyIncreasing(deps.worldClock);
  const tables = new Map<TableName, Coalescer<DecodedEvent>>();
  const coalescerOf = (table: TableName): Coalescer<DecodedEvent> => {
    let coalescer = tables.get(table);
    if (coalescer === undefined) {
      coalescer = createCoalescer<DecodedEvent>({
        maxBatch: MAX_BATCH_ROWS,
        maxPending: MAX_PENDING_ROWS,
        write: (events) => {
          const ingestedAt = stamp();
          return deps.warehouse.append(
            table,
            events.map((event): Row => eventRow(event, ingestedAt)),
          );
        },
      });
      tables.set(table, coalescer);
    }
    return coalescer;
  };
  const keep = (event: DecodedEvent): Promise<void> => coalescerOf(event.definition.table).add(event);

  return eventFunction({
    name: 'ingest',
    deps,
    worldClock: deps.worldClock,
    accepts: Object.keys(EVENTS) as EventType[],
    maxConcurrent: MAX_CONCURRENT_PUSHES,
    deadlineMs: INGEST_DEADLINE_MS,
    // The others' rejections come by the bus; its own are written as they are, whatever their size.
    bodyLimitBytes: MAX_REJECTED_ENVELOPE_BYTES,
    handle: keep,
    quarantine: (rejected) => {
      const message = encodeEvent(EVENTS['event-rejected'], rejected);
      const decoded = decodeEvent(message.data, message.attributes);
      if (!decoded.ok) throw new RejectedError('event_invalid', `a rejection could not be recorded: ${decoded.reason}`);
      return keep(decoded.event);
    },
  });
}

/**
 * The instant of an append. Strictly increasing, so that a training set frozen at a watermark never gains a row later: no
 * two appends share an instant.
 */
function strictlyIncreasing(clock: WorldClock): () => number {
  let last = 0;
  return () => {
    last = Math.max(last + 1, Math.floor(clock.now()));
    return last;
  };
}
