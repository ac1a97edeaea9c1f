import { AuroraError, TransientError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import type { State } from '#shared/ports/state.ts';

export interface LeaseOptions {
  /** Host milliseconds after which the lease of a dead holder runs out. A living one renews it three times meanwhile. */
  readonly ttlMs: number;
  /** Host milliseconds to wait for a holder; longer than the ttl waits out a dead one. */
  readonly patienceMs: number;
  /** Who holds it, for the message that others get. */
  readonly owner: string;
  readonly hostClock: HostClock;
}

const RENEWALS_PER_TTL = 3;
/** Between two looks at a lease that another holds. */
const LOOK_EVERY_MS = 250;

/**
 * Runs while no other holder of the key does. States: free -> held (create-only, renewed while the work runs) -> free
 * (released at the end, also after a failure, or run out when the holder died). A holder that is suspended past its ttl no
 * longer excludes others, so what it writes must be create-only too.
 * @throws TransientError lease_held when another holds it for longer than the patience
 */
export async function withLease<T>(
  state: State,
  key: string,
  options: LeaseOptions,
  run: () => Promise<T>,
): Promise<T> {
  const lease = await take(state, key, options);
  try {
    return await run();
  } finally {
    await lease.release();
  }
}

async function take(state: State, key: string, options: LeaseOptions): Promise<{ release(): Promise<void> }> {
  const { ttlMs, patienceMs, owner, hostClock } = options;
  const giveUpAt = hostClock.now() + patienceMs;
  for (;;) {
    const { created, entry } = await state.create(key, { owner }, { ttlMs });
    if (created) return keep(state, key, entry.version, options);
    if (hostClock.now() >= giveUpAt)
      throw new TransientError('lease_held', `lease ${key} is held by ${ownerOf(entry.value)}`);
    await new Promise<void>((resolve) => void hostClock.after(LOOK_EVERY_MS, resolve));
  }
}

/** Renews until released. */
function keep(
  state: State,
  key: string,
  taken: string,
  { ttlMs, owner, hostClock }: LeaseOptions,
): { release(): Promise<void> } {
  let version: string | null = taken;
  let renewing: Promise<void> = Promise.resolve();
  let cancel = later();

  function later(): () => void {
    return hostClock.after(ttlMs / RENEWALS_PER_TTL, () => {
      renewing = renew();
    });
  }

  async function renew(): Promise<void> {
    if (version === null) return;
    try {
      // Null: it ran out and another took it. The work goes on, for what it writes is create-only.
      version = (await state.swap(key, version, { owner }, { ttlMs }))?.version ?? null;
    } catch (error) {
      if (!(error instanceof AuroraError)) throw error;
      // The store does not answer now; two more renewals fit before the lease runs out.
    }
    cancel = later();
  }

  return {
    async release() {
      cancel();
      await renewing;
      cancel();
      // Answers false when it ran out and another holds it: theirs is not ours to release.
      if (version !== null) await state.remove(key, version);
    },
  };
}

const ownerOf = (value: unknown): string =>
  typeof value === 'object' && value !== null && 'owner' in value ? String(value.owner) : 'another';
