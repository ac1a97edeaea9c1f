/**
 * The networks that may be needed: of what the aliases name, and of the arms of a trial. An alias stands for the version that it
 * names; when that does not load, for the first before it that does. `linear` needs no network and is always there.
 * States of a version: unknown -> loaded (sha256, golden vector, warm-up) | broken -> forgotten, when nothing names it any more.
 * Requests under way keep what they started with. Damage does not heal by waiting: a broken version is said once and passed over
 * until an alias moves. A store that is away changes nothing: what is loaded stays, and the next look tries again.
 */
import { FALLBACK_VERSIONS_LIMIT } from '#shared/defaults.ts';
import { LINEAR, RULES } from '#shared/domain/actor.ts';
import { RejectedError } from '#shared/errors.ts';
import { loadScorer, type Scorer } from '#shared/learning/scorer.ts';
import type { Log } from '#shared/ports/log.ts';
import type { Alias, RegistryReader } from '#shared/registry/registry.ts';

/** What an actor has beside its posterior. */
export interface Loaded {
  readonly name: string;
  /** World epoch milliseconds; null: `linear` never was trained. */
  readonly trainedAtMs: number | null;
  /** Null: `linear` corrects no network. */
  readonly scorer: Scorer | null;
}

export interface Networks {
  /** Whom the champion alias stands for, whether it loads or not; null: nobody. */
  champion(): string | null;
  /** The same of the apprentice; null also when none loads. */
  apprentice(): string | null;
  /** All that is loaded, by name. */
  loaded(): ReadonlyMap<string, Loaded>;
  /** Why a name is not among them. */
  whyNot(name: string): string;
  /** Why the aliases' word is not followed; null when it is. */
  fault(): string | null;
  /** Looks at the aliases once, and for these actors. Never throws; what failed is logged and everything stays. */
  refresh(arms: readonly string[]): Promise<void>;
}

/** What an alias says. `fault`: it cannot be read, and says nothing. */
interface Named {
  /** Differs when the alias has moved. */
  readonly move: string;
  readonly version: string | null;
  readonly fault: string | null;
}

const LINEAR_ALONE: Loaded = { name: LINEAR, trainedAtMs: null, scorer: null };

export function createNetworks({ registry, log }: { readonly registry: RegistryReader; readonly log: Log }): Networks {
  let loaded: ReadonlyMap<string, Loaded> = new Map([[LINEAR, LINEAR_ALONE]]);
  /** Names among `loaded`. */
  let slots: Readonly<Record<Alias, string | null>> = { champion: null, apprentice: null };
  let namedChampion: string | null = null;
  let fault: string | null = null;
  /** What `slots` were settled on, and what `broken` is about. */
  let settledOn = '';
  let brokenOn = '';
  /** Version -> why it does not load. */
  const broken = new Map<string, string>();
  /** What the last looks failed on; each is said once until a look succeeds. */
  const failures = new Set<string>();

  const sayOnce = (error: unknown): void => {
    const text = String(error);
    if (failures.has(text)) return;
    failures.add(text);
    log.error({ error: text, ...slots }, 'the models could not be looked up; what is loaded stays');
  };

  const named = async (alias: Alias): Promise<Named> => {
    try {
      const head = await registry.aliasHead(alias);
      return { move: String(head?.sequence ?? 0), version: head?.version ?? null, fault: null };
    } catch (error) {
      if (!(error instanceof RejectedError)) throw error;
      sayOnce(error);
      return { move: error.message, version: null, fault: `${error.code}: ${error.message}` };
    }
  };

  /** Null when it is broken. What is loaded is not read again: it was proved. */
  const attempt = async (name: string): Promise<Loaded | null> => {
    const known = loaded.get(name);
    if (known !== undefined) return known;
    if (broken.has(name)) return null;
    try {
      const { manifest, files } = await registry.loadArtefact(name);
      const scorer = loadScorer(manifest, files['weights.bin']);
      return { name, trainedAtMs: Date.parse(manifest.created_at), scorer };
    } catch (error) {
      if (!(error instanceof RejectedError)) throw error;
      broken.set(name, `${error.code}: ${error.message}`);
      log.error({ model_version: name, error: String(error) }, 'the version does not load; it never serves');
      return null;
    }
  };

  /** What the alias names, or the first before it that loads. */
  const firstGood = async (alias: Alias, { version, fault }: Named): Promise<Loaded | null> => {
    // An alias that cannot be read may have named anything, no model too: only what served by it already goes on.
    if (fault !== null) return loaded.get(slots[alias] ?? '') ?? null;
    if (version === null) return null;
    const best = await attempt(version);
    if (best !== null) return best;
    for (const earlier of (await registry.versionsBefore(alias)).slice(0, FALLBACK_VERSIONS_LIMIT)) {
      const found = earlier === null ? null : await attempt(earlier);
      if (found !== null) return found;
    }
    return null;
  };

  const settle = async (named: Readonly<Record<Alias, Named>>, arms: readonly string[], on: string): Promise<void> => {
    if (on !== brokenOn) {
      broken.clear();
      brokenOn = on;
    }
    const champion = await firstGood('champion', named.champion);
    const apprentice = await firstGood('apprentice', named.apprentice);
    const needed: (Loaded | null)[] = [LINEAR_ALONE, champion, apprentice];
    for (const arm of arms) if (arm !== RULES) needed.push(await attempt(arm));
    const wanted = (named.champion.version === null ? named.apprentice : named.champion).version;
    fault = named.champion.fault ?? named.apprentice.fault ?? (wanted === null ? null : (broken.get(wanted) ?? null));
    namedChampion = named.champion.version;
    loaded = new Map(needed.flatMap((each) => (each === null ? [] : [[each.name, each]])));
    slots = { champion: champion?.name ?? null, apprentice: apprentice?.name ?? null };
    settledOn = on;
    log.info({ ...slots, loaded: [...loaded.keys()], fault }, 'models loaded');
  };

  return {
    champion: () => slots.champion ?? namedChampion,
    apprentice: () => slots.apprentice,
    loaded: () => loaded,
    whyNot: (name) => broken.get(name) ?? 'it has not been loaded yet',
    fault: () => fault ?? [...failures].at(-1) ?? null,
    async refresh(arms) {
      try {
        const names = { champion: await named('champion'), apprentice: await named('apprentice') };
        const on = JSON.stringify([names.champion.move, names.apprentice.move, arms]);
        if (on !== settledOn) await settle(names, arms, on);
        if (names.champion.fault === null && names.apprentice.fault === null) failures.clear();
      } catch (error) {
        sayOnce(error);
      }
    },
  };
}
