/**
 * The model that answers now. States: none -> apprentice | champion; any -> champion when the champion alias moves. A swap
 * happens only after load, sha256, golden vector and warm-up; requests under way keep the scorer they started with.
 */
import { AuroraError } from '#shared/errors.ts';
import { loadScorer, type Scorer } from '#shared/learning/scorer.ts';
import type { Log } from '#shared/ports/log.ts';
import type { Registry } from '#shared/registry/registry.ts';

export interface ServedModel {
  readonly version: string;
  readonly stage: 'apprentice' | 'online';
  /** World epoch milliseconds at which it was trained. */
  readonly createdAtMs: number;
  readonly scorer: Scorer;
}

export interface ModelHolder {
  current(): ServedModel | null;
  /** Looks at the aliases once. Never throws; what failed is logged and the old model stays. */
  refresh(): Promise<void>;
  lastError(): string | null;
}

export function createModelHolder(deps: { readonly registry: Registry; readonly log: Log }): ModelHolder {
  const { registry, log } = deps;
  let current: ServedModel | null = null;
  let lastError: string | null = null;
  /** A version that failed to load is not tried again: its bytes never change. */
  const broken = new Set<string>();

  const wanted = async (): Promise<{ version: string; stage: ServedModel['stage'] } | null> => {
    const champion = await registry.aliasHead('champion');
    if (champion?.version != null) return { version: champion.version, stage: 'online' };
    const apprentice = await registry.aliasHead('apprentice');
    return apprentice?.version == null ? null : { version: apprentice.version, stage: 'apprentice' };
  };

  return {
    current: () => current,
    lastError: () => lastError,
    async refresh() {
      try {
        const next = await wanted();
        if (next === null) {
          current = null;
          return;
        }
        if (next.version === current?.version) {
          if (next.stage !== current.stage) current = { ...current, stage: next.stage };
          return;
        }
        if (broken.has(next.version)) return;
        current = await load(registry, next.version, next.stage, broken);
        lastError = null;
        log.info({ model_version: next.version, stage: next.stage }, 'model serves');
      } catch (error) {
        lastError = String(error);
        log.error(
          { error: lastError, serving: current?.version ?? null },
          'model could not be loaded; the old one stays',
        );
      }
    },
  };
}

async function load(
  registry: Registry,
  version: string,
  stage: ServedModel['stage'],
  broken: Set<string>,
): Promise<ServedModel> {
  try {
    const { manifest, files } = await registry.loadArtefact(version);
    const scorer = loadScorer(manifest, files['weights.bin']);
    return { version, stage, createdAtMs: Date.parse(manifest.created_at), scorer };
  } catch (error) {
    if (error instanceof AuroraError && !error.retryable) broken.add(version);
    throw error;
  }
}
