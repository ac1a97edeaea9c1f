/** In which order checks come that need one another. Pure. */
interface Needing {
  readonly id: string;
  readonly needs: readonly string[];
}

/** An id twice, a need that is not there, a circle. Null: none. */
export function faultOfOrder(checks: readonly Needing[]): string | null {
  const byId = new Map<string, Needing>();
  for (const [index, check] of checks.entries()) {
    if (byId.has(check.id)) return `checks[${index}].id: ${JSON.stringify(check.id)} is there twice`;
    byId.set(check.id, check);
  }
  for (const [index, { id, needs }] of checks.entries()) {
    const missing = needs.find((need) => !byId.has(need));
    if (missing !== undefined) return `checks[${index}] (${id}).needs: there is no check ${JSON.stringify(missing)}`;
  }
  if (inOrder(checks).length === checks.length) return null;
  const settled = new Set(inOrder(checks).map(({ id }) => id));
  const caught = checks.filter(({ id }) => !settled.has(id)).map(({ id }) => id);
  return `checks: these need one another in a circle: ${caught.join(', ')}`;
}

/** Each behind those it needs; those in a circle are left out. */
export function inOrder<T extends Needing>(checks: readonly T[]): readonly T[] {
  const placed = new Set<string>();
  const order: T[] = [];
  for (let before = -1; order.length > before; ) {
    before = order.length;
    for (const check of checks) {
      if (placed.has(check.id) || !check.needs.every((need) => placed.has(need))) continue;
      placed.add(check.id);
      order.push(check);
    }
  }
  return order;
}
