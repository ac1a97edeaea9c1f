import { RejectedError } from '#shared/errors.ts';
import type { Precondition } from '#shared/ports/objects.ts';

interface Live {
  readonly generation: string;
  readonly metageneration: string;
}

/** What an absent object answers to a condition: the contract's generation "0". */
const ABSENT: Live = { generation: '0', metageneration: '0' };

/** @throws RejectedError object_precondition_failed, with the condition and the live value. */
export function checkPrecondition(name: string, live: Live | null, precondition: Precondition): void {
  const failed = failedCondition(live ?? ABSENT, precondition);
  if (failed === null) return;
  throw new RejectedError('object_precondition_failed', `object ${JSON.stringify(name)}: expected ${failed}`, {
    details: { name, generation: (live ?? ABSENT).generation },
  });
}

function failedCondition(live: Live, wanted: Precondition): string | null {
  const { generation, metageneration } = live;
  if (wanted.generationMatch !== undefined && wanted.generationMatch !== generation) {
    return `generation ${wanted.generationMatch}, got ${generation}`;
  }
  if (wanted.generationNotMatch !== undefined && wanted.generationNotMatch === generation) {
    return `a generation other than ${generation}`;
  }
  if (wanted.metagenerationMatch !== undefined && wanted.metagenerationMatch !== metageneration) {
    return `metageneration ${wanted.metagenerationMatch}, got ${metageneration}`;
  }
  if (wanted.metagenerationNotMatch !== undefined && wanted.metagenerationNotMatch === metageneration) {
    return `a metageneration other than ${metageneration}`;
  }
  return null;
}
