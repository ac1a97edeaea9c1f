/**
 * Which events a learner has taken in: the newest of them, 64 bits of each id. Bounded, and nothing is lost by it: an event that
 * was taken in comes again only when its acknowledgement was lost, at the latest one backoff later (BACKOFF in topology.ts: two
 * minutes here, ten in the cloud), and of its subscription no more than 512 a second can be acknowledged meanwhile (1,024 in
 * flight, two seconds between writes). Two minutes of that are 61,440. A cloud that delivers so much for ten minutes may bring
 * one observation twice for each answer that got lost.
 */
const APPLIED_LIMIT = 65_536;
const ID_BYTES = 8;

export interface AppliedIds {
  has(eventId: string): boolean;
  /** Answers the instant of the one that had to go for it; null: there was room. */
  add(eventId: string, atMs: number): number | null;
  readonly size: number;
  /** Oldest first, base64. */
  packed(): string;
}

/** @param packed what `packed` made; their instants are not kept and count as `-Infinity` */
export function appliedIds(packed = '', limit = APPLIED_LIMIT): AppliedIds {
  const held = new Map<string, number>();
  const bytes = Buffer.from(packed, 'base64').toString('hex');
  const width = 2 * ID_BYTES;
  for (let at = 0; at + width <= bytes.length; at += width)
    held.set(bytes.slice(at, at + width), Number.NEGATIVE_INFINITY);
  const short = (eventId: string): string => eventId.slice(0, width);
  return {
    has: (eventId) => held.has(short(eventId)),
    add(eventId, atMs) {
      held.set(short(eventId), atMs);
      if (held.size <= limit) return null;
      const [oldest, oldestMs] = held.entries().next().value as [string, number];
      held.delete(oldest);
      return oldestMs;
    },
    get size() {
      return held.size;
    },
    packed: () => Buffer.from([...held.keys()].join(''), 'hex').toString('base64'),
  };
}
