/**
 * One provider, one look at all that lives there: its list, questions about what the list does not show, latencies where nobody
 * has measured, then what nobody follows. A provider that is slow or silent holds up its own deployments only.
 */
import type { CallContext, Provider } from '#shared/providers/provider.ts';
import { asker } from './asking.ts';
import type { WatchDeps } from './deps.ts';
import { type OpenDoubt, settleDoubt } from './doubts.ts';
import { following } from './following.ts';
import { type Listing, list } from './listing.ts';
import type { Live } from './live.ts';
import { type OrphanDeps, orphanKeeper } from './orphans.ts';
import { probing } from './probing.ts';
import type { Look } from './reckon.ts';
import type { Settled, SettleTools } from './settle.ts';
import { inTurn } from './turns.ts';

export interface RoundInput {
  readonly live: readonly Live[];
  readonly doubts: readonly OpenDoubt[];
}

export interface RoundReport extends Settled {
  /** Deployments of which nothing could be learnt now. */
  readonly unreachable: number;
  /** False: time ran out; the next round goes on from there. */
  readonly complete: boolean;
}

export type Round = (input: RoundInput, context: CallContext) => Promise<RoundReport>;

/** Settled together: one publish and one group commit of state each. */
const CHUNK = 256;
/** Of a round's time, kept from the provider for the last events and records. */
const SETTLE_RESERVE_MS = 2_000;

export function createRound(provider: Provider, deps: WatchDeps & SettleTools & OrphanDeps): Round {
  const ask = asker(provider, deps);
  const probes = probing(deps);
  const endOrphans = orphanKeeper(provider, deps);
  /** When the last whole round looked. */
  let beforeMs: number | null = null;
  let after = '';

  return async ({ live, doubts }, { deadline, signal }) => {
    const context = { deadline: deadline - SETTLE_RESERVE_MS, ...(signal === undefined ? {} : { signal }) };
    const { listing, answers } = await list(provider, deps, context);
    const { follow, measure, counts } = following(provider, deps, probes, context);

    const { shown, hidden } = parted(live, listing);
    const queue = inTurn(shown, ({ index }) => index.key, after);
    let at = 0;
    while (at < queue.length && deps.hostClock.now() < deadline) {
      const chunk = queue.slice(at, at + CHUNK);
      await follow(chunk.map((one) => ({ live: one, look: lookAt(one, listing, beforeMs) })));
      after = chunk.at(-1)?.index.key ?? '';
      at += CHUNK;
    }
    await measure();
    const { asked, open } = answers ? await ask(hidden, context) : { asked: [], open: hidden.length };
    await follow(asked.map(({ live: one, look }) => ({ live: one, look: { ...look, beforeMs, latencyMs: null } })));
    await measure();

    for (const doubt of doubts) await settleDoubt(deps, doubt, { provider, listing, context });
    if (listing !== null) {
      const followed = new Set(live.map(({ record }) => record.instance_id ?? ''));
      await endOrphans(listing, followed, context);
    }
    const complete = at >= queue.length;
    if (listing !== null && complete) beforeMs = listing.fromMs;
    return { ...counts, unreachable: open, complete };
  };
}

/** What the list shows, and what must be asked for. Of what has its end on record nothing more need be known. */
function parted(live: readonly Live[], listing: Listing | null): { shown: readonly Live[]; hidden: readonly Live[] } {
  const shown: Live[] = [];
  const hidden: Live[] = [];
  for (const one of live) {
    const { ending, instance_id: id } = one.record;
    const known = ending !== null || listing?.byId.has(id ?? '') === true;
    (known ? shown : hidden).push(one);
  }
  return { shown, hidden };
}

function lookAt({ record }: Live, listing: Listing | null, beforeMs: number | null): Look {
  const status = listing?.byId.get(record.instance_id ?? '') ?? null;
  const { fromMs, untilMs } = listing ?? { fromMs: 0, untilMs: 0 };
  return { status, fromMs, untilMs, beforeMs, latencyMs: null };
}
