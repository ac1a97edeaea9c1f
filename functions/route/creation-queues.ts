/** How far ahead each provider's call rate is spent by what this instance has decided: each creation takes its spacing, and time drains it. */
export interface CreationQueues {
  /** @param spacingMs least host milliseconds between two creations */
  add(provider: string, spacingMs: number, hostMs: number): void;
  /** Host milliseconds until the next creation's turn. */
  waitMs(provider: string, hostMs: number): number;
}

export function creationQueues(): CreationQueues {
  /** Provider -> host epoch milliseconds until which its creations are spoken for. */
  const busyUntil = new Map<string, number>();
  return {
    add(provider, spacingMs, hostMs) {
      if (spacingMs > 0) busyUntil.set(provider, Math.max(hostMs, busyUntil.get(provider) ?? 0) + spacingMs);
    },
    waitMs: (provider, hostMs) => Math.max(0, (busyUntil.get(provider) ?? 0) - hostMs),
  };
}
