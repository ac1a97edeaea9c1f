import type { Clock } from '#shared/ports/clock.ts';
import { FAULT_NAMES, type FaultName } from './catalogue.ts';

/** Which faults there are now. */
export interface FaultSwitches {
  /** Instead of those before; one that stays keeps its beginning. @throws RangeError: a fault that is not in the table */
  set(names: readonly string[]): void;
  active(): readonly FaultName[];
  has(name: FaultName): boolean;
  /** Host epoch milliseconds of its beginning; null: it is not there. */
  sinceMs(name: FaultName): number | null;
  /** Called after each change. */
  onChange(listener: () => void): void;
}

export function createSwitches(clock: Clock): FaultSwitches {
  let since: ReadonlyMap<FaultName, number> = new Map();
  const listeners: (() => void)[] = [];
  return {
    set(names) {
      const known = names.map((given) => {
        const name = FAULT_NAMES.find((one) => one === given);
        if (name === undefined)
          throw new RangeError(`fault: expected one of ${FAULT_NAMES.join(', ')}, got ${JSON.stringify(given)}`);
        return name;
      });
      const now = clock.now();
      since = new Map(known.map((name) => [name, since.get(name) ?? now]));
      for (const listener of listeners) listener();
    },
    active: () => [...since.keys()],
    has: (name) => since.has(name),
    sinceMs: (name) => since.get(name) ?? null,
    onChange: (listener) => void listeners.push(listener),
  };
}
