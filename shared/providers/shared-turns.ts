import { z } from 'zod';
import { TransientError } from '#shared/errors.ts';
import type { WorldClock } from '#shared/ports/clock.ts';
import type { State, StateEntry } from '#shared/ports/state.ts';
import { NO_TURNS, type TurnStore, type Turns } from './pace.ts';

const stored = z.object({ next_at: z.number(), barred_until: z.number() });

/** Who loses as often as this stands in a crowd that one key cannot serve anyway. */
const MAX_TRIES = 16;
/** Past the last turn that was given, host milliseconds: nothing is waiting for it any more. */
const KEPT_MS = 10 * 60_000;

/** For processes of their own that share a key: `pace/<provider>/<endpoint>` in the state store, by compare-and-swap. */
export function sharedTurns(provider: string, state: State, worldClock: WorldClock): TurnStore {
  const keyOf = (endpoint: string): string => `pace/${provider}/${endpoint}`;
  const ttlOf = ({ next_at, barred_until }: Turns): number =>
    KEPT_MS + Math.max(0, Math.max(next_at, barred_until) - worldClock.now()) / worldClock.speed;

  return {
    async read(endpoint) {
      const entry = await state.get(keyOf(endpoint));
      return entry === null ? null : turnsOf(entry);
    },
    async update(endpoint, change) {
      const key = keyOf(endpoint);
      let entry = await state.get(key);
      for (let tries = 0; tries < MAX_TRIES; tries += 1) {
        const turns = change(entry === null ? NO_TURNS : turnsOf(entry));
        const options = { ttlMs: ttlOf(turns) };
        if (entry === null) {
          const { created, entry: there } = await state.create(key, turns, options);
          if (created) return;
          entry = there;
        } else {
          if ((await state.swap(key, entry.version, turns, options)) !== null) return;
          entry = await state.get(key);
        }
      }
      throw new TransientError(
        'provider_rate_limited',
        `${provider} ${endpoint}: others took ${MAX_TRIES} turns before this call`,
      );
    },
  };
}

/** What cannot be read is nobody's turn: a call too early costs a refusal, not the provider. */
function turnsOf({ value }: StateEntry): Turns {
  const parsed = stored.safeParse(value);
  return parsed.success ? parsed.data : NO_TURNS;
}
