/** Whether a version could serve in this build, from what the store holds of it now. */
import { LINEAR } from '#shared/domain/actor.ts';
import { RejectedError } from '#shared/errors.ts';
import type { Artefact, Registry, WholeVersion } from '#shared/registry/registry.ts';
import { provenNetwork } from './scorer.ts';

type Reader = Pick<Registry, 'loadArtefact'>;

/**
 * The version, every file that serving reads intact and its golden vector reproduced.
 * @throws RejectedError version_unknown, artefact_corrupt, artefact_incompatible
 * @throws TransientError objects_unavailable
 */
async function loadServable(registry: Reader, version: string): Promise<Artefact> {
  const artefact = await registry.loadArtefact(version);
  provenNetwork(artefact.manifest, artefact.files['weights.bin']);
  return artefact;
}

/** The version with every file, proved as `loadServable` does. @throws as it does */
export async function loadWhole(registry: Pick<Registry, 'loadVersion'>, version: string): Promise<WholeVersion> {
  const whole = await registry.loadVersion(version);
  provenNetwork(whole.manifest, whole.files['weights.bin']);
  return whole;
}

/** Why it cannot serve; null when it can, as `linear` always can: it has no artefact. @throws TransientError objects_unavailable: then nobody can say */
export async function whyNotServable(registry: Reader, version: string): Promise<string | null> {
  if (version === LINEAR) return null;
  try {
    await loadServable(registry, version);
    return null;
  } catch (error) {
    if (error instanceof RejectedError) return `${error.code}: ${error.message}`;
    throw error;
  }
}
