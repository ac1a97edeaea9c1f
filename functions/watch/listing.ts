import type { ErrorCode } from '#shared/errors.ts';
import type { WorldClock } from '#shared/ports/clock.ts';
import type { Log } from '#shared/ports/log.ts';
import { type CallContext, type InstanceStatus, isOver, type Provider } from '#shared/providers/provider.ts';
import { codedError } from '#shared/runtime/answers.ts';

/** All that a provider has of ours, at one look. World epoch milliseconds. */
export interface Listing {
  readonly fromMs: number;
  readonly untilMs: number;
  readonly byId: ReadonlyMap<string, InstanceStatus>;
}

export interface Listed {
  /** Null: it could not be had. */
  readonly listing: Listing | null;
  /** Whether single instances may be asked for all the same. */
  readonly answers: boolean;
}

/** It has answered, though nobody could use that: of a single instance it may say more. */
const ODD_ANSWERS: readonly ErrorCode[] = ['provider_answer_invalid', 'provider_refused', 'internal'];

export async function list(
  provider: Provider,
  { worldClock, log }: { readonly worldClock: WorldClock; readonly log: Log },
  context: CallContext,
): Promise<Listed> {
  const fromMs = worldClock.now();
  try {
    const statuses = await provider.instances(context);
    const byId = new Map(statuses.map((status) => [status.instance_id, status]));
    return { listing: { fromMs, untilMs: worldClock.now(), byId }, answers: true };
  } catch (thrown) {
    const error = codedError(thrown);
    log.warn(
      { provider: provider.id, code: error.code, error: error.cause ?? error },
      'provider does not say what lives there; looked at again on the next run',
    );
    return { listing: null, answers: ODD_ANSWERS.includes(error.code) };
  }
}

/** Living ones are, and what has stopped with its storage kept. */
export const isBilled = (status: InstanceStatus): boolean => !isOver(status) || (status.storage_usd_per_hour ?? 0) > 0;
