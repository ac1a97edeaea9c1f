import type { Address, CallContext, Provider } from '#shared/providers/provider.ts';
import { observe } from './decide.ts';
import type { Live } from './live.ts';
import type { Probing } from './probing.ts';
import type { Look } from './reckon.ts';
import { type Followed, type SettleTools, settle } from './settle.ts';

interface Looked {
  readonly live: Live;
  readonly look: Look;
}

interface Waiting extends Looked {
  readonly address: Address;
}

/** Measured in one round; those beyond are told of without. */
const WAITING_LIMIT = 256;

/** Takes looks to their consequences. What is to be measured waits for that: its first outcome is what its latency is learnt from. */
export function following(provider: Provider, tools: SettleTools, probes: Probing, context: CallContext) {
  const counts = { ready: 0, ended: [] as string[] };
  const waiting: Waiting[] = [];

  const conclude = async (looks: readonly Looked[]): Promise<void> => {
    const followed = looks.map(({ live, look }): Followed => ({ live, observation: observe(live.record, look) }));
    const { ready, ended } = await settle(tools, provider, followed, context);
    counts.ready += ready;
    counts.ended.push(...ended);
  };
  return {
    counts,
    async follow(looks: readonly Looked[]): Promise<void> {
      const now: Looked[] = [];
      for (const one of looks) {
        const { status } = one.look;
        const address = status === null || waiting.length >= WAITING_LIMIT ? null : probes.dueAt(one.live, status);
        if (address === null) now.push(one);
        else waiting.push({ ...one, address });
      }
      await conclude(now);
    },
    async measure(): Promise<void> {
      const measured = waiting.splice(0);
      const due = measured.map(({ live, address }) => ({ key: live.index.key, address }));
      const found = await probes.measure(due, context);
      await conclude(
        measured.map(({ live, look }) => ({ live, look: { ...look, latencyMs: found.get(live.index.key) ?? null } })),
      );
    },
  };
}
