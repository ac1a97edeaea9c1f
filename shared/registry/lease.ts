import { TransientError } from '#shared/errors.ts';
import type { State } from '#shared/ports/state.ts';

export interface LeaseOptions {
  /** Host milliseconds after which another may take over; longer than the work takes, or renew meanwhile. */
  readonly ttlMs: number;
  /** Who holds it, for the message that others get. */
  readonly owner: string;
}

export interface Lease {
  /** Holds it for another ttl. @throws TransientError lease_held when it ran out and another took it */
  renew(): Promise<void>;
}

/**
 * Runs while no other holder of the key does. States: free -> held (create-only) -> free (released at the end, also after a
 * failure, or run out after `ttlMs` when the holder died). A holder that outlives its ttl no longer excludes others, so what it
 * writes must be create-only too.
 * @throws TransientError lease_held
 */
export async function withLease<T>(
  state: State,
  key: string,
  { ttlMs, owner }: LeaseOptions,
  run: (lease: Lease) => Promise<T>,
): Promise<T> {
  const { created, entry } = await state.create(key, { owner }, { ttlMs });
  if (!created) throw new TransientError('lease_held', `lease ${key} is held by ${ownerOf(entry.value)}`);
  let { version } = entry;
  try {
    return await run({
      async renew() {
        const renewed = await state.swap(key, version, { owner }, { ttlMs });
        if (renewed === null) throw new TransientError('lease_held', `lease ${key} ran out and is another's now`);
        version = renewed.version;
      },
    });
  } finally {
    // Answers false when it ran out and another holds it: theirs is not ours to release.
    await state.remove(key, version);
  }
}

const ownerOf = (value: unknown): string =>
  typeof value === 'object' && value !== null && 'owner' in value ? String(value.owner) : 'another';
