import { TransientError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import type { ProviderClient } from '../client.ts';
import type { Labels } from '../labels.ts';
import type { CallContext } from '../provider.ts';
import { close, deployment, list, PAGE_SIZE } from './calls.ts';
import { akashMemory, type Memory } from './memory.ts';
import { servicesIn } from './sdl.ts';
import { isLeased, leaseOf, wordOf } from './status.ts';
import type { Deployment } from './wire.ts';

/** What lies under our key at Akash. A list says which deployments are open; whose they are only a look at each can tell. */
export interface AkashBook {
  readonly memory: Memory;
  /** Oldest first. @throws TransientError provider_answer_invalid: more than can be read, or changed while it was */
  open(context: CallContext): Promise<readonly Deployment[]>;
  /** One, whatever became of it; null: unknown there. */
  look(dseq: string, context: CallContext): Promise<Deployment | null>;
  /** Several at a time. */
  lookAt(dseqs: readonly string[], context: CallContext): Promise<readonly (Deployment | null)[]>;
  /**
   * Of those that are open, the ones under a label, living or ended.
   * @throws TransientError provider_unavailable: none, and there is one of which nobody says yet whose it is
   */
  labelled(open: readonly Deployment[], label: string, context: CallContext): Promise<readonly Deployment[]>;
  /** It has a lease, as far as anybody knows. */
  lives(deployment: Deployment): boolean;
  /**
   * Closes deployments that were never leased and that nobody is about to lease: leftovers of a lost answer, of a failed close, of
   * a kill. `mine`: the caller is the one writer of the key, and leases nothing now; else only those that are known to be left over.
   */
  sweep(open: readonly Deployment[], by: 'mine' | 'anyone', context: CallContext): Promise<void>;
  /** One that is closed already is as good. */
  close(dseq: string, context: CallContext): Promise<void>;
}

/** 3,810 deployments: a list longer than that is not read, and not taken for whole either. */
const MAX_PAGES = 20;
/** Pages are counted from the first: as many may be closed between two of them before one is missed. */
const OVERLAP = 10;
/** Each is asked of a provider somewhere, and takes its seconds. */
const LOOKS_AT_ONCE = 4;
/** Host milliseconds in which a deployment of another process has been leased or given up, and a provider has named what it runs. */
const PATIENCE_MS = 2 * 60_000;
/** Closed by one call of whoever only passes by. */
const SWEPT_IN_PASSING = 8;

export function akashBook(client: ProviderClient, labels: Labels, hostClock: Pick<HostClock, 'now'>): AkashBook {
  const memory = akashMemory(hostClock);

  const isYoung = (dseq: string): boolean => hostClock.now() - memory.get(dseq).firstSeenMs < PATIENCE_MS;
  // Its lease was made here, though a list that lags does not show it.
  const lives = (one: Deployment): boolean =>
    isLeased(one) || (one.leases.length === 0 && memory.get(one.dseq).stage === 'leased');

  /** Takes in what one look says: whose it is, and whether it is ready. */
  function learn(one: Deployment): void {
    const known = memory.get(one.dseq);
    const status = leaseOf(one)?.status ?? null;
    const sent = one.sdl === null ? null : servicesIn(one.sdl);
    const services = [...Object.keys(status?.services ?? {}), ...(sent?.keys() ?? [])];
    const named =
      services.find((name) => labels.requestIdOf(name) !== null) ?? (services.length === 0 ? undefined : null);
    const label = known.label === undefined ? named : known.label;
    const word = status === null ? null : wordOf(status, label ?? null);
    memory.note(one.dseq, {
      label,
      gpuCount: known.gpuCount ?? sent?.get(label ?? '') ?? null,
      ready: known.ready || word?.ready === true,
      address: word === null ? known.address : word.address,
      lookedAtMs: hostClock.now(),
      ...(word !== null && !word.ready && isLeased(one) ? { unreadyAtMs: hostClock.now() } : {}),
    });
  }

  async function open(context: CallContext): Promise<readonly Deployment[]> {
    const found = new Map<string, Deployment>();
    for (let page = 0; page < MAX_PAGES; page += 1) {
      const { data } = await client.ask(list({ skip: page * (PAGE_SIZE - OVERLAP), limit: PAGE_SIZE }), context);
      if (page > 0 && !data.deployments.some(({ dseq }) => found.has(dseq)))
        throw new TransientError(
          'provider_answer_invalid',
          `akash list: expected page ${page + 1} to begin within the one before it; deployments were closed meanwhile`,
        );
      for (const one of data.deployments) found.set(one.dseq, one);
      if (!data.pagination.hasMore)
        return [...found.values()]
          .filter(({ state }) => state !== 'closed')
          .sort((a, b) => a.dseq.length - b.dseq.length || (a.dseq < b.dseq ? -1 : 1));
    }
    throw new TransientError(
      'provider_answer_invalid',
      `akash list: expected at most ${MAX_PAGES} pages of deployments, and there are more`,
    );
  }

  async function look(dseq: string, context: CallContext): Promise<Deployment | null> {
    const answer = await client.askOrNull(deployment(dseq), context);
    if (answer !== null) learn(answer.data);
    return answer?.data ?? null;
  }

  async function lookAt(dseqs: readonly string[], context: CallContext): Promise<readonly (Deployment | null)[]> {
    const found: (Deployment | null)[] = [];
    for (let at = 0; at < dseqs.length; at += LOOKS_AT_ONCE) {
      const some = dseqs.slice(at, at + LOOKS_AT_ONCE);
      found.push(...(await Promise.all(some.map((dseq) => look(dseq, context)))));
    }
    return found;
  }

  async function closeOne(dseq: string, context: CallContext): Promise<void> {
    await client.askOrNull(close(dseq), context);
    memory.note(dseq, { closed: true, stage: null });
  }

  return {
    memory,
    open,
    look,
    lookAt,
    lives,
    close: closeOne,
    async labelled(given, label, context) {
      const unnamed = given.filter((one) => lives(one) && memory.get(one.dseq).label === undefined);
      await lookAt(
        unnamed.map(({ dseq }) => dseq),
        context,
      );
      const found = given.filter(({ dseq }) => memory.get(dseq).label === label);
      const silent = unnamed.find(({ dseq }) => memory.get(dseq).label === undefined && isYoung(dseq));
      if (found.some(lives) || silent === undefined) return found;
      throw new TransientError(
        'provider_unavailable',
        `akash deployment ${silent.dseq}: its provider does not say yet which service it runs; it may be the one that is looked for`,
      );
    },
    async sweep(given, by, context) {
      const left = given.filter((one) => {
        const { stage } = memory.get(one.dseq);
        if (one.leases.length > 0 || lives(one) || stage === 'begun') return false;
        return by === 'mine' || stage === 'forsaken' || !isYoung(one.dseq);
      });
      for (const { dseq } of by === 'mine' ? left : left.slice(0, SWEPT_IN_PASSING)) {
        const one = await look(dseq, context);
        // A list may lag behind a lease, and a stranger may have made it by hand.
        if (one === null || one.leases.length > 0 || memory.get(dseq).label === null) continue;
        await closeOne(dseq, context);
      }
    },
  };
}
