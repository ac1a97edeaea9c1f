/**
 * The model that answers now: what the champion alias names; when that does not load, the version before it that does; else
 * the newest apprentice that loads (scores shown, the rules act); else none.
 * States: none, apprentice, online; any -> any when an alias moves. A swap happens only after load, sha256, golden vector and
 * warm-up; requests under way keep the scorer they started with. Damage does not heal by waiting: a broken version is said
 * once and passed over until an alias moves. A store that is away changes nothing: what is loaded stays, and the next look
 * tries again.
 */
import { FALLBACK_VERSIONS_LIMIT } from '#shared/defaults.ts';
import { RejectedError } from '#shared/errors.ts';
import { loadScorer, type Scorer } from '#shared/learning/scorer.ts';
import type { Log } from '#shared/ports/log.ts';
import type { Alias, RegistryReader } from '#shared/registry/registry.ts';

export interface ServedModel {
  readonly version: string;
  readonly stage: 'apprentice' | 'online';
  /** World epoch milliseconds at which it was trained. */
  readonly createdAtMs: number;
  readonly scorer: Scorer;
}

/** What is served, and what the champion alias says if that is something else. */
export interface Serving {
  readonly mode: 'rules' | ServedModel['stage'];
  /** Loaded and answering; null under the rules. */
  readonly version: string | null;
  /** Why the aliases' word is not followed; null when it is. */
  readonly fault: string | null;
}

export interface ModelHolder {
  current(): ServedModel | null;
  serving(): Serving;
  /** Looks at the aliases once. Never throws; what failed is logged and the old model stays. */
  refresh(): Promise<void>;
}

/** What an alias says. `fault`: it cannot be read, and says nothing. */
interface Named {
  /** Differs when the alias has moved. */
  readonly move: string;
  readonly version: string | null;
  readonly fault: string | null;
}

export function createModelHolder(deps: { readonly registry: RegistryReader; readonly log: Log }): ModelHolder {
  const { registry, log } = deps;
  let current: ServedModel | null = null;
  let fault: string | null = null;
  /** The moves on which `current` was settled, and those that `broken` is about. */
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
    const fields = { error: text, serving: current?.version ?? null };
    log.error(fields, 'the model to serve could not be looked up; the old one stays');
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

  /** The version if it loads, null when it is broken. What is loaded is not read again: it was proved. */
  const attempt = async (version: string, stage: ServedModel['stage']): Promise<ServedModel | null> => {
    if (version === current?.version) return { ...current, stage };
    if (broken.has(version)) return null;
    try {
      const { manifest, files } = await registry.loadArtefact(version);
      const scorer = loadScorer(manifest, files['weights.bin']);
      return { version, stage, createdAtMs: Date.parse(manifest.created_at), scorer };
    } catch (error) {
      if (!(error instanceof RejectedError)) throw error;
      broken.set(version, `${error.code}: ${error.message}`);
      log.error({ model_version: version, stage, error: String(error) }, 'the version does not load; it never serves');
      return null;
    }
  };

  /** What the alias names, or the first before it that loads. */
  const firstGood = async (
    alias: Alias,
    { version, fault }: Named,
    stage: ServedModel['stage'],
  ): Promise<ServedModel | null> => {
    // An alias that cannot be read may have named anything, no model too: only what served by it already goes on.
    if (fault !== null) return current?.stage === stage ? current : null;
    if (version === null) return null;
    const best = await attempt(version, stage);
    if (best !== null) return best;
    for (const earlier of (await registry.versionsBefore(alias)).slice(0, FALLBACK_VERSIONS_LIMIT)) {
      const found = earlier === null ? null : await attempt(earlier, stage);
      if (found !== null) return found;
    }
    return null;
  };

  const settle = async (champion: Named, apprentice: Named, moves: string): Promise<void> => {
    if (moves !== brokenOn) {
      broken.clear();
      brokenOn = moves;
    }
    const next =
      (await firstGood('champion', champion, 'online')) ?? (await firstGood('apprentice', apprentice, 'apprentice'));
    const wanted = (champion.version === null ? apprentice : champion).version;
    const changed = next?.version !== current?.version || next?.stage !== current?.stage;
    fault = champion.fault ?? apprentice.fault ?? (wanted === null ? null : (broken.get(wanted) ?? null));
    [current, settledOn] = [next, moves];
    if (!changed) return;
    const fields = { model_version: next?.version ?? null, stage: next?.stage ?? 'rules', fault };
    log.info(fields, next === null ? 'no model serves; the rules act' : 'model serves');
  };

  return {
    current: () => current,
    serving: () => ({
      mode: current?.stage ?? 'rules',
      version: current?.version ?? null,
      fault: fault ?? [...failures].at(-1) ?? null,
    }),
    async refresh() {
      try {
        const [champion, apprentice] = [await named('champion'), await named('apprentice')];
        const moves = `${champion.move} ${apprentice.move}`;
        if (moves !== settledOn) await settle(champion, apprentice, moves);
        if (champion.fault === null && apprentice.fault === null) failures.clear();
      } catch (error) {
        sayOnce(error);
      }
    },
  };
}
