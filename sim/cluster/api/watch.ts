/** A stream of changes: one JSON object a line, until its time is over, its reader goes or falls too far behind, or the server closes. */
import type { ServerResponse } from 'node:http';
import type { HostClock } from '#shared/ports/clock.ts';
import type { ClusterObject, Fields } from '../objects/object.ts';
import type { Store, StoreEvent } from '../store.ts';
import type { Selector } from './selectors.ts';
import { expired, statusOf } from './status.ts';

export interface WatchRequest {
  readonly kind: string;
  readonly selects: Selector;
  /** Changes after this; null: first all that is there. */
  readonly from: number | null;
  /** Host milliseconds. */
  readonly forMs: number;
  /** As the reader wants it: the object, or a table of it. */
  show(object: ClusterObject): unknown;
}

type WatchType = 'ADDED' | 'MODIFIED' | 'DELETED';

/** What is written and not taken, in bytes: some hundred changes. Whoever is further behind is cut off, as by the real API, and lists again. */
const MAX_BEHIND = 512 * 1024;

export function watch(
  response: ServerResponse,
  store: Store,
  hostClock: HostClock,
  { kind, selects, from, forMs, show }: WatchRequest,
): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  // kubectl waits for them, and there may be nothing to tell for long.
  response.flushHeaders();
  const line = (type: WatchType | 'ERROR', object: unknown): void => {
    if (response.destroyed) return;
    response.write(`${JSON.stringify({ type, object })}\n`);
    if (response.writableLength > MAX_BEHIND) response.destroy();
  };
  const change = (event: StoreEvent): void => {
    const type = event.object.kind === kind ? typeOf(event, selects) : null;
    if (type !== null) line(type, show(event.object));
  };

  const missed = from === null ? [] : store.since(from);
  if (missed === null) {
    line('ERROR', tooOld(from ?? 0, store.version()));
    response.end();
    return;
  }
  if (from === null) for (const object of store.all(kind).filter(selects)) line('ADDED', show(object));
  for (const event of missed) change(event);
  const leave = store.subscribe(change);
  const cancel = hostClock.after(forMs, () => response.end());
  response.once('close', () => {
    leave();
    cancel();
  });
}

/** Null: it is not among those that are asked for, neither before nor now. */
function typeOf({ before, object, gone }: StoreEvent, selects: Selector): WatchType | null {
  const was = before !== null && selects(before);
  const is = !gone && selects(object);
  if (was) return is ? 'MODIFIED' : 'DELETED';
  return is ? 'ADDED' : null;
}

const tooOld = (asked: number, current: number): Fields =>
  statusOf(expired(`too old resource version: ${asked} (${current})`));
