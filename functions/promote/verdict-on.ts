import { RejectedError } from '#shared/errors.ts';
import type { Verdict } from '#shared/registry/verdict.ts';
import type { PromoteDeps } from './deps.ts';

/** Null: not judged yet, or nobody can tell any more. */
export async function verdictOn({ registry }: Pick<PromoteDeps, 'registry'>, version: string): Promise<Verdict | null> {
  try {
    return await registry.readVerdict(version);
  } catch (error) {
    if (!(error instanceof RejectedError)) throw error;
    return null;
  }
}
