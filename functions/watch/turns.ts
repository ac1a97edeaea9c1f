/** In the order of their keys, beginning after `after`: who came too late in one round is first in the next. */
export function inTurn<T>(items: readonly T[], keyOf: (item: T) => string, after: string): readonly T[] {
  const ordered = items.toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1));
  const first = ordered.findIndex((item) => keyOf(item) > after);
  return first <= 0 ? ordered : [...ordered.slice(first), ...ordered.slice(0, first)];
}
