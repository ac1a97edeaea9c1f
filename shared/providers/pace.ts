/**
 * Whose turn it is at an endpoint: a provider counts the calls of an API key, so everyone who holds the key takes turns here.
 * Turns are instants of world time, a spacing apart; each is given once. Who shares the key shares the store of turns.
 */
import { TransientError } from '#shared/errors.ts';
import type { HostClock, WorldClock } from '#shared/ports/clock.ts';
import { pause } from '#shared/runtime/pause.ts';
import type { CallContext } from './provider.ts';

export interface Pace {
  /**
   * Waits for a turn. `spacingMs`: world milliseconds that the endpoint wants between two calls.
   * @throws TransientError provider_rate_limited: it would come after the deadline; no turn is taken then
   */
  reserve(endpoint: string, spacingMs: number, context: CallContext): Promise<void>;
  /** The provider has refused a call for its rate: nobody calls for so many world milliseconds, those that wait included. */
  penalise(endpoint: string, ms: number): Promise<void>;
  /** Host milliseconds that a call made now would wait. */
  waitMs(endpoint: string): Promise<number>;
}

/** Of one endpoint, world epoch milliseconds. */
export interface Turns {
  /** First instant that nobody has taken. */
  readonly next_at: number;
  /** Until then the provider wants no call, whoever has a turn. */
  readonly barred_until: number;
}

/** Where turns are kept. `change` may be called again when another caller was faster; what it throws is thrown. */
export interface TurnStore {
  read(endpoint: string): Promise<Turns | null>;
  update(endpoint: string, change: (turns: Turns) => Turns): Promise<void>;
}

export interface PaceClocks {
  readonly hostClock: HostClock;
  readonly worldClock: WorldClock;
}

/** Two calls sent a spacing apart may arrive a little closer; host milliseconds by which they seldom do. */
const MARGIN_HOST_MS = 5;

export const NO_TURNS: Turns = { next_at: 0, barred_until: 0 };

export function createPace(provider: string, store: TurnStore, { hostClock, worldClock }: PaceClocks): Pace {
  const hostMs = (worldMs: number): number => Math.max(0, worldMs) / worldClock.speed;

  /** Host milliseconds to the next turn. */
  function waitFor({ next_at, barred_until }: Turns, endpoint: string, deadline: number): number {
    const waitMs = hostMs(Math.max(next_at, barred_until) - worldClock.now());
    const leftMs = deadline - hostClock.now();
    if (waitMs < leftMs) return waitMs;
    throw new TransientError(
      'provider_rate_limited',
      `${provider} ${endpoint}: the next call may go out in ${Math.ceil(waitMs)} ms, ${Math.floor(leftMs)} ms are left`,
    );
  }

  /** Takes the next turn; answers how many host milliseconds away it is. */
  async function take(endpoint: string, spacingMs: number, deadline: number): Promise<number> {
    // Nothing to take where calls may come as they like: a store of objects writes a name once a second.
    if (spacingMs === 0) return waitFor((await store.read(endpoint)) ?? NO_TURNS, endpoint, deadline);
    let waitMs = 0;
    await store.update(endpoint, (turns) => {
      waitMs = waitFor(turns, endpoint, deadline);
      const turn = Math.max(worldClock.now(), turns.next_at, turns.barred_until);
      return { ...turns, next_at: turn + spacingMs + MARGIN_HOST_MS * worldClock.speed };
    });
    return waitMs;
  }

  return {
    async reserve(endpoint, spacingMs, { deadline, signal }) {
      // Ends: each round waits, and the deadline stays where it is.
      for (;;) {
        const waitMs = await take(endpoint, spacingMs, deadline);
        if (waitMs === 0) return;
        await pause(hostClock, waitMs, signal);
        const barredUntil = (await store.read(endpoint))?.barred_until ?? 0;
        if (barredUntil <= worldClock.now()) return;
      }
    },
    penalise: (endpoint, ms) =>
      store.update(endpoint, (turns) => ({
        ...turns,
        barred_until: Math.max(turns.barred_until, worldClock.now() + ms),
      })),
    async waitMs(endpoint) {
      const turns = (await store.read(endpoint)) ?? NO_TURNS;
      return hostMs(Math.max(turns.next_at, turns.barred_until) - worldClock.now());
    },
  };
}

/** For the only process that holds the key. */
export function memoryTurns(): TurnStore {
  const endpoints = new Map<string, Turns>();
  return {
    read: async (endpoint) => endpoints.get(endpoint) ?? null,
    async update(endpoint, change) {
      endpoints.set(endpoint, change(endpoints.get(endpoint) ?? NO_TURNS));
    },
  };
}
