/**
 * Capacity in use: GPU-hours held per offer until a run ends. A binary heap on the end keeps every question at
 * O(log live); time only moves forward, as the world clock's does: an earlier instant is answered as of the latest seen.
 */
export interface Book {
  hold(id: string, key: string, amount: number, untilMs: number): void;
  /** Ends a hold early; nothing when it has ended already. */
  release(id: string): void;
  /** Held for `key` at `nowMs`. */
  held(key: string, nowMs: number): number;
  /** Holds not yet ended at `nowMs`. */
  live(nowMs: number): number;
}

interface Hold {
  readonly id: string;
  readonly key: string;
  readonly amount: number;
  readonly untilMs: number;
}

export function createBook(): Book {
  const holds = new Map<string, Hold>();
  const sums = new Map<string, { amount: number; count: number }>();
  const heap: Hold[] = [];

  const end = (hold: Hold): void => {
    if (holds.get(hold.id) !== hold) return;
    holds.delete(hold.id);
    const sum = sums.get(hold.key);
    if (sum === undefined) return;
    sum.count -= 1;
    // Sums of floats drift; an empty offer is exactly empty.
    sum.amount = sum.count === 0 ? 0 : sum.amount - hold.amount;
  };
  const advance = (nowMs: number): void => {
    for (let first = heap[0]; first !== undefined && first.untilMs <= nowMs; first = heap[0]) {
      removeFirst(heap);
      end(first);
    }
  };
  return {
    hold(id, key, amount, untilMs) {
      const hold = { id, key, amount, untilMs };
      holds.set(id, hold);
      const sum = sums.get(key) ?? { amount: 0, count: 0 };
      sums.set(key, { amount: sum.amount + amount, count: sum.count + 1 });
      insert(heap, hold);
    },
    release(id) {
      const hold = holds.get(id);
      if (hold !== undefined) end(hold);
    },
    held(key, nowMs) {
      advance(nowMs);
      return sums.get(key)?.amount ?? 0;
    },
    live(nowMs) {
      advance(nowMs);
      return holds.size;
    },
  };
}

const endAt = (heap: readonly Hold[], index: number): number => heap[index]?.untilMs ?? Number.POSITIVE_INFINITY;

function swap(heap: Hold[], a: number, b: number): void {
  const [first, second] = [heap[a], heap[b]];
  if (first === undefined || second === undefined) return;
  heap[a] = second;
  heap[b] = first;
}

function insert(heap: Hold[], hold: Hold): void {
  heap.push(hold);
  for (let index = heap.length - 1; index > 0; ) {
    const parent = (index - 1) >> 1;
    if (endAt(heap, parent) <= endAt(heap, index)) return;
    swap(heap, parent, index);
    index = parent;
  }
}

function removeFirst(heap: Hold[]): void {
  swap(heap, 0, heap.length - 1);
  heap.pop();
  for (let index = 0; ; ) {
    const left = 2 * index + 1;
    const child = endAt(heap, left + 1) < endAt(heap, left) ? left + 1 : left;
    if (endAt(heap, index) <= endAt(heap, child)) return;
    swap(heap, index, child);
    index = child;
  }
}
