import type { HostClock } from '#shared/ports/clock.ts';
import type { Address } from '../provider.ts';

/** What this adapter knows of a deployment beyond what a list says. Lost with the process: everything can be asked for again. */
export interface Remembered {
  /** Our label; null: a stranger's; undefined: nobody has said yet. */
  readonly label: string | null | undefined;
  readonly gpuCount: number | null;
  /** It has been seen ready; once is for ever. */
  readonly ready: boolean;
  readonly address: Address | null;
  /** Host epoch milliseconds. */
  readonly firstSeenMs: number;
  readonly lookedAtMs: number;
  /** When it was last seen leased and not ready. */
  readonly unreadyAtMs: number;
  /** Ended by us. */
  readonly closed: boolean;
  /**
   * Of our own making: `begun`, between its creation and its lease; then `leased`, or `forsaken`, when it could not be closed. Null:
   * somebody else's, or another process's, or over.
   */
  readonly stage: 'begun' | 'leased' | 'forsaken' | null;
}

/** As of now. */
export interface Known extends Remembered {
  /** Host milliseconds since it was last seen leased and not ready; infinite: it never was. */
  readonly unreadyAgoMs: number;
}

export interface Memory {
  get(dseq: string): Known;
  note(dseq: string, news: Partial<Remembered>): Remembered;
}

/** More than are open at a time; those touched longest ago go first. */
const MAX_REMEMBERED = 10_000;

export function akashMemory(hostClock: Pick<HostClock, 'now'>): Memory {
  const known = new Map<string, Remembered>();
  const fresh = (): Remembered => ({
    label: undefined,
    gpuCount: null,
    ready: false,
    address: null,
    firstSeenMs: hostClock.now(),
    lookedAtMs: Number.NEGATIVE_INFINITY,
    unreadyAtMs: Number.NEGATIVE_INFINITY,
    closed: false,
    stage: null,
  });

  function note(dseq: string, news: Partial<Remembered>): Remembered {
    const next = { ...(known.get(dseq) ?? fresh()), ...news };
    known.delete(dseq);
    known.set(dseq, next);
    const [oldest] = known.keys();
    if (known.size > MAX_REMEMBERED && oldest !== undefined) known.delete(oldest);
    return next;
  }

  return {
    get(dseq) {
      const found = known.get(dseq) ?? note(dseq, {});
      return { ...found, unreadyAgoMs: hostClock.now() - found.unreadyAtMs };
    },
    note,
  };
}
