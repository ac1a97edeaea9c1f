import { z } from 'zod';
import { LINEAR } from '#shared/domain/actor.ts';
import { RejectedError } from '#shared/errors.ts';
import { whyNotServable } from '#shared/learning/servable.ts';
import type { Manifest } from '#shared/registry/manifest.ts';
import { announceMoves } from '#shared/registry/promoted-event.ts';
import type { AliasEntry, Registry } from '#shared/registry/registry.ts';
import { wasDamaged } from '#shared/registry/succession.ts';
import type { Verdict } from '#shared/registry/verdict.ts';
import type { Stack } from '../stack/stack.ts';
import { operation } from './operation.ts';
import { aliasParam, noParams, versionParam } from './params.ts';
import { pastDamage } from './past-damage.ts';
import { registryOf } from './training.ts';

export interface ModelRow {
  readonly version: string;
  /** Null, as the others: cannot be read. */
  readonly created_at: string | null;
  readonly rows: number | null;
  readonly verdict: string | null;
  readonly stage: 'champion' | 'apprentice' | null;
  /** What of it cannot be read; null: nothing. */
  readonly damage: string | null;
}

export const listModels = operation({
  name: 'models.list',
  params: noParams,
  run: async (stack): Promise<ModelRow[]> => {
    const registry = await registryOf(stack);
    const { read } = pastDamage();
    const [champion, apprentice] = [
      await read(registry.aliasHead('champion')),
      await read(registry.aliasHead('apprentice')),
    ];
    const rows = await Promise.all(
      (await registry.listVersions()).map(async (version): Promise<ModelRow> => {
        const own = pastDamage();
        const manifest = await own.read(registry.readManifest(version));
        const verdict = await own.read(registry.readVerdict(version));
        return {
          version,
          created_at: manifest?.created_at ?? null,
          rows: manifest?.training.rows ?? null,
          verdict: verdict?.verdict ?? null,
          stage: champion?.version === version ? 'champion' : apprentice?.version === version ? 'apprentice' : null,
          damage: own.damaged[0] ?? null,
        };
      }),
    );
    return rows.sort((a, b) => ((a.created_at ?? '') < (b.created_at ?? '') ? -1 : 1));
  },
});

export const showModel = operation({
  name: 'models.show',
  params: versionParam,
  run: async (
    stack,
    { version },
  ): Promise<{ manifest: Omit<Manifest, 'encoding' | 'golden'>; verdict: Verdict | null }> => {
    const registry = await registryOf(stack);
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
  run: async (stack, params): Promise<AliasEntry> => {
    const registry = await registryOf(stack);
    const verdict = await verdictOn(registry, params.version);
    const why = await whyRefused(registry, params.version, verdict);
    if (why !== null && !params.force) throw new RejectedError('promotion_refused', why);
    const entry = await registry.moveAlias('champion', {
      version: params.version,
      by: params.by,
      reason: params.reason,
      verdict: verdict?.verdict ?? null,
      forced: why !== null,
    });
    await announce(stack, registry, entry);
    return entry;
  },
});

/** Null: not judged yet, as the learner on its own never is. @throws RejectedError version_unknown */
async function verdictOn(registry: Registry, version: string): Promise<Verdict | null> {
  if (version === LINEAR) return null;
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

export const rollbackModel = operation({
  name: 'models.rollback',
  params: z.strictObject({ by, reason }),
  run: async (stack, params): Promise<AliasEntry> => {
    const registry = await registryOf(stack);
    const serves = async (version: string): Promise<boolean> => (await whyNotServable(registry, version)) === null;
    const weigh = async (version: string) => {
      // A verdict that cannot be read must not stand in the way back.
      const verdict = await pastDamage().read(registry.readVerdict(version));
      const why = await whyRefused(registry, version, verdict);
      return { verdict: verdict?.verdict ?? null, forced: why !== null };
    };
    const entry = await registry.rollback('champion', { ...params, serves, weigh });
    await announce(stack, registry, entry);
    return entry;
  },
});

export const modelHistory = operation({
  name: 'models.history',
  params: z.strictObject({ alias: aliasParam }),
  run: async (stack, { alias }): Promise<readonly AliasEntry[]> => (await registryOf(stack)).aliasHistory(alias),
});

async function announce({ platform }: Stack, registry: Registry, entry: AliasEntry): Promise<void> {
  await announceMoves(registry, await platform.bus());
  platform.log.info({ ...entry }, 'alias moved by hand');
}
