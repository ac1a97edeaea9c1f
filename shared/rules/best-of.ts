/**
 * Keeps the best `limit` of a stream of items, in order: a bounded sorted list with binary insertion. For the sizes here (16
 * and 64 of up to 10,000) an item that does not make it costs one comparison.
 */
export interface BestOf<T> {
  offer(item: T): void;
  /** Best first. */
  readonly items: readonly T[];
}

/** `compare` < 0: the first is better. Total order expected, so that the answer does not depend on the order of arrival. */
export function bestOf<T>(limit: number, compare: (a: T, b: T) => number): BestOf<T> {
  const items: T[] = [];
  return {
    items,
    offer(item) {
      const last = items[items.length - 1];
      if (items.length >= limit && (last === undefined || compare(item, last) >= 0)) return;
      let low = 0;
      let high = items.length;
      while (low < high) {
        const middle = (low + high) >>> 1;
        if (compare(items[middle] as T, item) <= 0) low = middle + 1;
        else high = middle;
      }
      items.splice(low, 0, item);
      if (items.length > limit) items.pop();
    },
  };
}
