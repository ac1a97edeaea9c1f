/** What is still to come, earliest first; what shares an instant comes in the order it was put. A binary heap. */
export interface Timeline<T> {
  put(atMs: number, item: T): void;
  /** Takes the earliest that is due at `nowMs`; null: none is. */
  takeDue(nowMs: number): { readonly atMs: number; readonly item: T } | null;
  readonly size: number;
}

interface Entry<T> {
  readonly atMs: number;
  readonly order: number;
  readonly item: T;
}

export function createTimeline<T>(): Timeline<T> {
  const heap: Entry<T>[] = [];
  let puts = 0;
  return {
    put(atMs, item) {
      heap.push({ atMs, order: puts, item });
      puts += 1;
      rise(heap);
    },
    takeDue(nowMs) {
      const first = heap[0];
      if (first === undefined || first.atMs > nowMs) return null;
      const last = heap.pop();
      if (last !== undefined && last !== first) {
        heap[0] = last;
        sink(heap);
      }
      return first;
    },
    get size() {
      return heap.length;
    },
  };
}

const earlier = <T>(a: Entry<T>, b: Entry<T>): boolean => (a.atMs === b.atMs ? a.order < b.order : a.atMs < b.atMs);

/** The last entry goes up to its place. */
function rise<T>(heap: Entry<T>[]): void {
  for (let index = heap.length - 1; index > 0; ) {
    const parent = (index - 1) >> 1;
    if (!swapIfEarlier(heap, index, parent)) return;
    index = parent;
  }
}

/** The first entry goes down to its place. */
function sink<T>(heap: Entry<T>[]): void {
  for (let index = 0; ; ) {
    const left = 2 * index + 1;
    const [a, b] = [heap[left], heap[left + 1]];
    if (a === undefined) return;
    const child = b !== undefined && earlier(b, a) ? left + 1 : left;
    if (!swapIfEarlier(heap, child, index)) return;
    index = child;
  }
}

function swapIfEarlier<T>(heap: Entry<T>[], below: number, above: number): boolean {
  const [lower, upper] = [heap[below], heap[above]];
  if (lower === undefined || upper === undefined || !earlier(lower, upper)) return false;
  heap[above] = lower;
  heap[below] = upper;
  return true;
}
