/**
 * Anchors of the scheduler as a function of time: every namespace makes one of each cadence at its own period, now and then one fails.
 * Faults are stretches of time in which none is made, or none works.
 */
export interface Series {
  readonly namespace: string;
  readonly cadence: string;
  readonly target: string;
  /** Host milliseconds. */
  readonly everyMs: number;
}

export interface Count {
  readonly attempted: number;
  readonly failed: number;
}

/** The fast one moves between two looks of a probe that are two seconds apart. */
const CADENCES = [
  { cadence: 'fast', target: 'rfc3161', everyMs: 1_000 },
  { cadence: 'strong', target: 'eip155:8453', everyMs: 10_000 },
] as const;
export const ANCHORED = ['dao', 'vaultmesh'] as const;
export const SERIES: readonly Series[] = ANCHORED.flatMap((namespace) =>
  CADENCES.map((cadence) => ({ namespace, ...cadence })),
);

/** Before the simulation began. */
const BEFORE_MS = 3 * 86_400_000;
/** One of so many fails without a reason, and the next one works. */
const FAILS_EVERY = 97;

export interface Anchors {
  /** Until then nothing else happens: from here on they are made, or not, and work, or not. */
  turn(nowMs: number, to: { readonly made: boolean; readonly failing: string | null }): void;
  count(series: Series, nowMs: number): Count;
  /** Host epoch milliseconds of the last that worked. */
  lastMs(namespace: string, nowMs: number): number;
}

interface Stretch {
  readonly fromMs: number;
  readonly made: boolean;
  readonly failing: string | null;
}

export function createAnchors(startMs: number): Anchors {
  let stretch: Stretch = { fromMs: startMs, made: true, failing: null };
  const sums = new Map<Series, Count>(
    SERIES.map((series) => {
      const attempted = Math.floor(BEFORE_MS / series.everyMs);
      return [series, { attempted, failed: Math.floor(attempted / FAILS_EVERY) }];
    }),
  );
  /** When the last worked, before this stretch. */
  const lasts = new Map<string, number>(ANCHORED.map((namespace) => [namespace, startMs]));

  const ticks = ({ everyMs }: Series, nowMs: number): number =>
    stretch.made ? Math.max(0, Math.floor(nowMs / everyMs) - Math.floor(stretch.fromMs / everyMs)) : 0;

  function count(series: Series, nowMs: number): Count {
    const { attempted, failed } = sums.get(series) ?? { attempted: 0, failed: 0 };
    const more = ticks(series, nowMs);
    const by = attempted + more;
    const moreFailed =
      series.namespace === stretch.failing ? more : Math.floor(by / FAILS_EVERY) - Math.floor(attempted / FAILS_EVERY);
    return { attempted: by, failed: failed + moreFailed };
  }
  function lastMs(namespace: string, nowMs: number): number {
    const before = lasts.get(namespace) ?? startMs;
    if (!stretch.made || namespace === stretch.failing) return before;
    const [{ everyMs }] = CADENCES;
    return Math.max(before, Math.floor(nowMs / everyMs) * everyMs);
  }

  return {
    turn(nowMs, to) {
      for (const series of SERIES) sums.set(series, count(series, nowMs));
      for (const namespace of ANCHORED) lasts.set(namespace, lastMs(namespace, nowMs));
      stretch = { fromMs: nowMs, ...to };
    },
    count,
    lastMs,
  };
}
