/**
 * An alias names a version that loads, or none. What is damaged after its promotion is taken back here, with the reason; score
 * serves something else already, on its own, but it writes nothing.
 */
import { AuroraError, RejectedError } from '#shared/errors.ts';
import { whyNotServable } from '#shared/learning/servable.ts';
import type { Alias, AliasEntry } from '#shared/registry/registry.ts';
import { damageReason } from '#shared/registry/succession.ts';
import { PROMOTE, type PromoteDeps } from './deps.ts';

/** What became of one alias: the version that it names afterwards, and why it was moved (null: it was not). */
export interface RepairReport {
  readonly alias: Alias;
  readonly version: string | null;
  readonly fault: string | null;
}

/** @throws TransientError objects_unavailable: then nobody can say, and nothing was moved */
export async function repairAlias(deps: PromoteDeps, alias: Alias): Promise<RepairReport> {
  const { registry } = deps;
  let head: AliasEntry | null;
  try {
    head = await registry.aliasHead(alias);
  } catch (error) {
    if (!(error instanceof RejectedError)) throw error;
    return restate(deps, alias, error);
  }
  if (head === null || head.version === null) return { alias, version: null, fault: null };
  const fault = await whyNotServable(registry, head.version);
  return fault === null ? { alias, version: head.version, fault } : takeBack(deps, head, fault);
}

/** To the version before it that loads, or to none. */
async function takeBack({ registry, log }: PromoteDeps, head: AliasEntry, fault: string): Promise<RepairReport> {
  const { alias, version: damaged, sequence } = head;
  const serves = async (version: string): Promise<boolean> => (await whyNotServable(registry, version)) === null;
  try {
    const move = { by: PROMOTE, reason: damageReason(fault), serves, ifSequence: sequence };
    const { version } = await registry.rollback(alias, move);
    const fields = { alias, model_version: damaged, error: fault, moved_to: version };
    log.error(fields, 'the version does not load; the alias is moved back');
    return { alias, version, fault };
  } catch (error) {
    // Somebody was faster; the next look sees what they named.
    if (!(error instanceof AuroraError) || error.code !== 'state_conflict') throw error;
    return { alias, version: null, fault };
  }
}

async function restate({ registry, log }: PromoteDeps, alias: Alias, error: RejectedError): Promise<RepairReport> {
  const moved = await registry.restate(alias, { by: PROMOTE, reason: `alias_damaged: ${error.message}` });
  const version = moved?.version ?? null;
  log.error(
    { alias, error: error.message, moved_to: version },
    'the alias cannot be read; its last word is said again',
  );
  return { alias, version, fault: error.message };
}
