import { z } from 'zod';
import { LINEAR } from '#shared/domain/actor.ts';
import { RejectedError } from '#shared/errors.ts';
import { isFinal } from '#shared/learning/gate/judge.ts';
import { whyNotServable } from '#shared/learning/servable.ts';
import { newestLearnerVerdict } from '#shared/registry/learner-verdicts.ts';
import type { Manifest } from '#shared/registry/manifest.ts';
import { announceMoves } from '#shared/registry/promoted-event.ts';
import type { AliasEntry, Registry } from '#shared/registry/registry.ts';
import { wasDamaged } from '#shared/registry/succession.ts';
import type { Verdict } from '#shared/registry/verdict.ts';
import { type Ground, operation } from './operation.ts';
import { aliasParam, noParams, versionParam } from './params.ts';
import { pastDamage } from './past-damage.ts';
import { registryOf } from './training.ts';

export interface ModelRow {
  /** `learner`: the fast learner on its own, `linear`, which has no versions. */
  readonly kind: 'version' | 'learner';
  readonly version: string;
  /** Null, as the others: cannot be read, or a learner has none. */
  readonly created_at: string | null;
  readonly rows: number | null;
  /** Of a learner its newest. */
  readonly verdict: string | null;
  readonly stage: 'champion' | 'apprentice' | null;
  /** What of it cannot be read; null: nothing. */
  readonly damage: string | null;
}

export const listModels = operation({
  name: 'models.list',
  params: noParams,
  run: async (ground): Promise<ModelRow[]> => {
    const registry = await registryOf(ground);
    const { read } = pastDamage();
    const [champion, apprentice] = [
      await read(registry.aliasHead('champion')),
      await read(registry.aliasHead('apprentice')),
    ];
    const stageOf = (name: string): ModelRow['stage'] =>
      champion?.version === name ? 'champion' : apprentice?.version === name ? 'apprentice' : null;
    const learner: ModelRow = {
      kind: 'learner',
      version: LINEAR,
      created_at: null,
      rows: null,
      verdict: (await newestLearnerVerdict(await ground.platform.objects()))?.verdict ?? null,
      stage: stageOf(LINEAR),
      damage: null,
    };
    const rows = await Promise.all(
      (await registry.listVersions()).map(async (version): Promise<ModelRow> => {
        const own = pastDamage();
        const manifest = await own.read(registry.readManifest(version));
        const verdict = await own.read(registry.readVerdict(version));
        return {
          kind: 'version',
          version,
          created_at: manifest?.created_at ?? null,
          rows: manifest?.training.rows ?? null,
          verdict: verdict?.verdict ?? null,
          stage: stageOf(version),
          damage: own.damaged[0] ?? null,
        };
      }),
    );
    return [...rows.sort((a, b) => ((a.created_at ?? '') < (b.created_at ?? '') ? -1 : 1)), learner];
  },
});

export const showModel = operation({
  name: 'models.show',
  params: versionParam,
  run: async (
    ground,
    { version },
  ): Promise<{ manifest: Omit<Manifest, 'encoding' | 'golden'>; verdict: Verdict | null }> => {
    const registry = await registryOf(ground);
    const { encoding: _encoding, golden: _golden, ...manifest } = await registry.readManifest(version);
    return { manifest, verdict: await registry.readVerdict(version) };
  },
});

const by = z.string().min(1).max(64);
const reason = z.string().max(1024);

/**
 * Points champion at a version. Without the gate's `promote`, or against damage, it needs force; the reason goes into the
 * alias log.
 */
export const promoteModel = operation({
  name: 'models.promote',
  params: versionParam.extend({ by, reason, force: z.boolean() }),
  run: async (ground, params): Promise<AliasEntry> => {
    const registry = await registryOf(ground);
    const verdict = await verdictOn(ground, registry, params.version);
    const why = (await whyRefused(registry, params.version, verdict)) ?? whyTryFirst(params.version, verdict);
    if (why !== null && !params.force) throw new RejectedError('promotion_refused', why);
    const entry = await registry.moveAlias('champion', {
      version: params.version,
      by: params.by,
      reason: params.reason,
      verdict: verdict?.verdict ?? null,
      forced: why !== null,
    });
    await announce(ground, registry, entry);
    return entry;
  },
});

/** Of the learner on its own the newest. Null: not judged yet. @throws RejectedError version_unknown */
async function verdictOn({ platform }: Ground, registry: Registry, version: string): Promise<Verdict | null> {
  if (version === LINEAR) return newestLearnerVerdict(await platform.objects());
  const verdict = await registry.readVerdict(version);
  // Not there at all is another answer.
  if (verdict === null) await registry.readManifest(version);
  return verdict;
}

/** Null: nothing speaks against it. */
async function whyRefused(registry: Registry, version: string, verdict: Verdict | null): Promise<string | null> {
  if (verdict?.verdict !== 'promote')
    return `the gate says ${verdict?.verdict ?? 'nothing yet'} of ${version}: ${verdict?.reasons[0] ?? 'it was not judged'}`;
  if (wasDamaged(await registry.recentMoves('champion'), version))
    return `${version} was taken back before, because it did not load: vm models history`;
  const fault = await whyNotServable(registry, version);
  return fault === null ? null : `${version} would not serve: ${fault}`;
}

/** The gate is less strict where a trial follows. Null: it was as strict as that takes. */
function whyTryFirst(version: string, verdict: Verdict | null): string | null {
  return verdict === null || isFinal(verdict)
    ? null
    : `the gate finds ${version} worth a trial, and is not sure enough of it to go without one: vm trials`;
}

export const rollbackModel = operation({
  name: 'models.rollback',
  params: z.strictObject({ by, reason }),
  run: async (ground, params): Promise<AliasEntry> => {
    const registry = await registryOf(ground);
    const serves = async (version: string): Promise<boolean> => (await whyNotServable(registry, version)) === null;
    const weigh = async (version: string) => {
      // A verdict that cannot be read must not stand in the way back.
      const verdict = await pastDamage().read(verdictOn(ground, registry, version));
      const why = await whyRefused(registry, version, verdict);
      return { verdict: verdict?.verdict ?? null, forced: why !== null };
    };
    const entry = await registry.rollback('champion', { ...params, serves, weigh });
    await announce(ground, registry, entry);
    return entry;
  },
});

export const modelHistory = operation({
  name: 'models.history',
  params: z.strictObject({ alias: aliasParam }),
  run: async (ground, { alias }): Promise<readonly AliasEntry[]> => (await registryOf(ground)).aliasHistory(alias),
});

async function announce({ platform }: Ground, registry: Registry, entry: AliasEntry): Promise<void> {
  await announceMoves(registry, await platform.bus());
  platform.log.info({ ...entry }, 'alias moved by hand');
}
