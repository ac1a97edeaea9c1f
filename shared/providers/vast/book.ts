import { TransientError } from '#shared/errors.ts';
import type { ProviderClient } from '../client.ts';
import type { CallContext } from '../provider.ts';
import { destroy, list } from './calls.ts';
import type { VastInstance } from './wire.ts';

/** What lives under our key at Vast. */
export interface VastBook {
  /** Of one label, or all. Oldest first. @throws TransientError provider_answer_invalid: more than can be read */
  instances(context: CallContext, label?: string): Promise<readonly VastInstance[]>;
  /** One that is gone already is as good. */
  destroy(id: string, context: CallContext): Promise<void>;
}

/** 1,000 instances: a list longer than that is not read, and not taken for whole either. */
const MAX_PAGES = 40;
/** Vast lists an instance for some seconds after its end; so many of ours are known to be gone. */
const MAX_DESTROYED = 1_000;

export function vastBook(client: ProviderClient): VastBook {
  const destroyed = new Set<number>();
  const gone = (instance: VastInstance): boolean => destroyed.has(instance.id) || instance.cur_state === 'unloaded';

  return {
    async instances(context, label) {
      const found = new Map<number, VastInstance>();
      let after: string | undefined;
      for (let page = 0; page < MAX_PAGES; page += 1) {
        const answer = await client.ask(
          list({ ...(label === undefined ? {} : { label }), ...(after === undefined ? {} : { after }) }),
          context,
        );
        for (const instance of answer.instances) found.set(instance.id, instance);
        after = answer.next_token ?? undefined;
        if (after === undefined || after === '')
          return [...found.values()]
            .filter((instance) => !gone(instance) && (label === undefined || instance.label === label))
            .sort((a, b) => (a.start_date ?? 0) - (b.start_date ?? 0) || a.id - b.id);
      }
      throw new TransientError(
        'provider_answer_invalid',
        `vast list: expected at most ${MAX_PAGES} pages of instances, and there are more`,
      );
    },
    async destroy(id, context) {
      await client.askOrNull(destroy(id), context);
      if (destroyed.size >= MAX_DESTROYED) destroyed.clear();
      destroyed.add(Number(id));
    },
  };
}
