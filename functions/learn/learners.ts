/**
 * The learners that are kept now. Each one's states:
 *   starting (load, and the record where there is no object) -> serving -> gone (no alias names it any more)
 *   starting -> failed (the store is away, or the network cannot be used) -> starting, after a pause that doubles
 * The learner on its own must be serving before anything is acknowledged. A version that starts takes events in memory meanwhile;
 * if it is killed before its first write, it begins anew from the record, which then holds them. (Between an event's
 * acknowledgement here and its row in the warehouse lies what ingest has not written yet; a version that is first built in that
 * moment lacks these few, as it lacks all from before the record began.)
 */
import { RejectedError, TransientError } from '#shared/errors.ts';
import { LINEAR } from '#shared/learning/fast/learned-objects.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import type { Warehouse } from '#shared/ports/warehouse.ts';
import type { Alias, Registry } from '#shared/registry/registry.ts';
import { learnersToKeep, type Role, retryPauseMs } from './decide.ts';
import { createKeeper, type Keeper, type KeeperDeps, type KeeperView } from './keeper.ts';
import { readRecord } from './read-record.ts';
import type { ModelFiles } from './study/baselines.ts';
import type { Entry } from './study/entry.ts';
import type { Counts } from './study/ledger.ts';

export interface LearnersDeps extends KeeperDeps {
  readonly registry: Pick<Registry, 'aliasHead' | 'loadVersion'>;
  readonly warehouse: () => Promise<Warehouse>;
}

export interface Learners {
  /** Looks at the aliases: begins what they name and is not here, ends what is here and not named. @throws TransientError */
  reconcile(): Promise<void>;
  /** What became of the entries in the learner on its own. Resolves when every learner that serves has written them. */
  learn(entries: readonly Entry[]): Promise<Counts>;
  /** Resolves when the learner serves, has failed, or is not kept; answers which. */
  settled(name: string): Promise<'serving' | 'failed' | 'not_kept'>;
  /** Whether `learn` has something to write without any entry. */
  untidy(): boolean;
  view(role: Role): KeeperView | null;
  serves(name: string): boolean;
  stop(): Promise<void>;
}

interface Member {
  readonly name: string;
  role: Role;
  keeper: Keeper | null;
  serving: boolean;
  failures: number;
  retryAtMs: number;
  starting: Promise<void> | null;
  readonly stop: AbortController;
}

/**
 * Events may wait so long for statistics that are being built, then they come again: a function that is to end cannot wait
 * with them. Host milliseconds.
 */
const PATIENCE_MS = 5_000;

async function linearIn(hostClock: HostClock, serves: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<never>();
  const cancel = hostClock.after(PATIENCE_MS, () =>
    late.reject(new TransientError('objects_unavailable', 'the statistics of the learner are not there yet')),
  );
  try {
    await Promise.race([serves, late.promise]);
  } finally {
    cancel();
  }
}

export function createLearners(deps: LearnersDeps): Learners {
  const { registry, hostClock, log, study } = deps;
  const members = new Map<string, Member>();
  const named: Record<Alias, string | null> = { champion: null, apprentice: null };
  let linearServes = Promise.withResolvers<void>();
  let queue: Promise<unknown> = Promise.resolve();
  let stopped = false;

  /** One thing at a time: whoever loads or writes has the learners to himself. */
  const exclusively = <T>(work: () => Promise<T>): Promise<T> => {
    const result = queue.then(work);
    queue = result.catch(() => undefined);
    return result;
  };

  const modelOf = async (name: string): Promise<ModelFiles | null> => {
    if (name === LINEAR) return null;
    const { manifest, files } = await registry.loadVersion(name);
    return { manifest, weights: files['weights.bin'], outOfFold: files['out-of-fold.bin'] ?? null };
  };

  const begin = async (member: Member): Promise<void> => {
    const { name } = member;
    try {
      const model = await modelOf(name);
      const keeper = createKeeper(name, model, deps);
      const reads = await exclusively(async () => {
        const found = await keeper.load();
        // The learner on its own misses nothing: what it has not heard waits in the bus.
        if (found && model === null) return false;
        await keeper.beginRecord();
        member.keeper = keeper;
        return true;
      });
      if (reads) {
        await readRecord(keeper, model, { ...deps, signal: member.stop.signal });
        await exclusively(() => keeper.endRecord());
      }
      member.keeper = keeper;
      member.serving = true;
      member.failures = 0;
      if (name === LINEAR) linearServes.resolve();
      log.info({ learner: name, ...keeper.view() }, 'learner serves');
    } catch (error) {
      member.keeper = null;
      if (member.stop.signal.aborted) return;
      member.failures += 1;
      member.retryAtMs = hostClock.now() + retryPauseMs(member.failures);
      log.error({ learner: name, error, failures: member.failures }, 'learner could not be started; it is tried again');
    }
  };

  const start = (member: Member): void => {
    member.starting = begin(member).finally(() => {
      member.starting = null;
    });
  };

  const end = async (member: Member): Promise<void> => {
    members.delete(member.name);
    member.stop.abort();
    await member.starting;
    await exclusively(() => study.close(member.name));
  };

  const look = async (alias: Alias): Promise<void> => {
    try {
      named[alias] = (await registry.aliasHead(alias))?.version ?? null;
    } catch (error) {
      // An alias that cannot be read may still mean what it meant; promote mends it.
      if (!(error instanceof RejectedError)) throw error;
    }
  };

  const fallOut = (member: Member): void => {
    member.serving = false;
    member.keeper = null;
    member.retryAtMs = hostClock.now();
    if (member.name === LINEAR) linearServes = Promise.withResolvers();
  };

  return {
    async reconcile() {
      await look('champion');
      await look('apprentice');
      if (stopped) return;
      const wanted = learnersToKeep(named);
      for (const [name, role] of wanted) {
        const known = members.get(name);
        const member = known ?? {
          name,
          role,
          keeper: null,
          serving: false,
          failures: 0,
          retryAtMs: Number.NEGATIVE_INFINITY,
          starting: null,
          stop: new AbortController(),
        };
        member.role = role;
        members.set(name, member);
        if (!member.serving && member.starting === null && hostClock.now() >= member.retryAtMs) start(member);
      }
      for (const member of [...members.values()]) if (!wanted.has(member.name)) await end(member);
    },

    async learn(entries) {
      await linearIn(hostClock, linearServes.promise);
      return exclusively(async () => {
        let counts: Counts = {};
        for (const member of [...members.values()]) {
          const { keeper } = member;
          if (keeper === null || (member.name === LINEAR && !member.serving)) continue;
          try {
            const its = entries.length === 0 ? {} : await keeper.learn(entries);
            if (entries.length === 0) await keeper.tidy();
            if (member.name === LINEAR) counts = its;
          } catch (error) {
            if (member.serving && keeper.lost()) fallOut(member);
            throw error;
          }
        }
        return counts;
      });
    },

    async settled(name) {
      const member = members.get(name);
      if (member === undefined) return 'not_kept';
      await member.starting;
      return member.serving ? 'serving' : 'failed';
    },
    untidy: () => [...members.values()].some(({ keeper }) => keeper?.untidy()),
    view: (role) => [...members.values()].find((member) => member.role === role)?.keeper?.view() ?? null,
    serves: (name) => members.get(name)?.serving ?? false,
    async stop() {
      stopped = true;
      for (const member of members.values()) member.stop.abort();
      await Promise.all([...members.values()].map((member) => member.starting));
      await exclusively(async () => undefined);
      await study.stop();
    },
  };
}
