/** Single questions about what a provider's list does not show: ended, lost, or too new for it. */
import type { HostClock, WorldClock } from '#shared/ports/clock.ts';
import type { Log } from '#shared/ports/log.ts';
import type { CallContext, Provider } from '#shared/providers/provider.ts';
import { codedError } from '#shared/runtime/answers.ts';
import { atMost } from '#shared/runtime/at-most.ts';
import type { Live } from './live.ts';
import type { Look } from './reckon.ts';
import { inTurn } from './turns.ts';

/** Of one round; at an end a second more than a machine takes in. */
const ASKED_LIMIT = 256;
/** Its adapter sets the pace; this many may wait for their turn there. */
const ASKED_AT_ONCE = 8;

export interface Asked {
  readonly live: Live;
  readonly look: Omit<Look, 'beforeMs' | 'latencyMs'>;
}

export interface Answers {
  readonly asked: readonly Asked[];
  /** How many were not answered, or not asked any more. */
  readonly open: number;
}

type AskDeps = { readonly worldClock: WorldClock; readonly hostClock: Pick<HostClock, 'now'>; readonly log: Log };

/** Asks until time, the limit or the provider's patience is over; the next round goes on behind. */
export function asker(
  provider: Provider,
  { worldClock, hostClock, log }: AskDeps,
): (hidden: readonly Live[], context: CallContext) => Promise<Answers> {
  let after = '';
  return async (hidden, context) => {
    const queue = inTurn(hidden, keyOf, after).slice(0, ASKED_LIMIT);
    let silent = false;
    const ask = async (live: Live): Promise<Asked | null> => {
      // One that does not answer is not asked on: each question might cost the round's whole time.
      if (silent || hostClock.now() >= context.deadline) return null;
      after = keyOf(live);
      const fromMs = worldClock.now();
      try {
        const status = await provider.status(live.record.instance_id ?? '', context);
        return { live, look: { status, fromMs, untilMs: worldClock.now() } };
      } catch (thrown) {
        const error = codedError(thrown);
        silent = true;
        log.warn(
          {
            decision_id: live.record.request.decision_id,
            provider: provider.id,
            code: error.code,
            error: error.cause ?? error,
          },
          'status unknown now; looked at again on the next run',
        );
        return null;
      }
    };
    const asked = (await atMost(ASKED_AT_ONCE, queue, ask)).filter((one) => one !== null);
    return { asked, open: hidden.length - asked.length };
  };
}

const keyOf = ({ index }: Live): string => index.key;
