import { AuroraError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import type { Labels } from '../labels.ts';
import type { CallContext, InstanceStatus } from '../provider.ts';
import type { AkashBook } from './book.ts';
import { statusOf } from './status.ts';

export interface InstancesTools {
  readonly book: AkashBook;
  readonly labels: Labels;
  readonly hostClock: Pick<HostClock, 'now'>;
  readonly aktUsd: number | null;
}

/** Looks of one call at most, and of its time: the rest is for whoever asked. */
const MAX_LOOKS = 64;
const LOOKING_SHARE = 0.5;

/**
 * All that is leased. The list says which leases live and how they ended; a look is needed only at those of which it is not known
 * yet whose they are, or that were not ready when last seen: as many as there is time for, those looked at longest ago first.
 */
export function akashInstances({ book, labels, hostClock, aktUsd }: InstancesTools) {
  const { memory } = book;

  /** What is not seen now is seen by a later call; the list is an answer without. */
  async function inPassing(work: Promise<unknown>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (!(error instanceof AuroraError) || !error.retryable) throw error;
    }
  }

  return async (context: CallContext): Promise<readonly InstanceStatus[]> => {
    const open = await book.open(context);
    const leftMs = Math.max(0, context.deadline - hostClock.now());
    const looking = { ...context, deadline: hostClock.now() + leftMs * LOOKING_SHARE };
    const unclear = open
      .filter(book.lives)
      .map(({ dseq }) => ({ dseq, known: memory.get(dseq) }))
      .filter(({ known }) => known.label === undefined || !known.ready)
      .sort((a, b) => a.known.lookedAtMs - b.known.lookedAtMs)
      .slice(0, MAX_LOOKS);
    await inPassing(
      book.lookAt(
        unclear.map(({ dseq }) => dseq),
        looking,
      ),
    );
    await inPassing(book.sweep(open, 'anyone', looking));
    return open.flatMap((one) => statusOf(one, memory.get(one.dseq), labels, aktUsd) ?? []);
  };
}
