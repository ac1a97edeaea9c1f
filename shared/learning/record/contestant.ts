/** A policy that can be played over the record: the fast learner over what is said of a candidate before it has its say. */
import type { Features } from '#shared/domain/features.ts';
import { type Baseline, NO_RECORD } from '../fast/estimate.ts';
import { LINEAR } from '../fast/learned-objects.ts';
import { networkBaselines } from '../fast/network-baseline.ts';
import type { TargetScales } from '../heads.ts';
import type { Network } from '../network.ts';

export interface Contestant {
  readonly name: string;
  /** Of candidates at scoring; null: an output is no number. */
  readonly baselines: (features: readonly Features[]) => readonly (Baseline | null)[];
  /** Of a lesson; null: nothing that may be corrected is known of it, for the network has seen its end. */
  readonly lessonBaseline: (key: string, features: Features) => Baseline | null;
}

/** The learner on its own. */
export const linearContestant = (): Contestant => ({
  name: LINEAR,
  baselines: (features) => features.map(() => NO_RECORD),
  lessonBaseline: () => NO_RECORD,
});

export interface VersionContestant {
  readonly version: string;
  readonly network: Network;
  readonly targets: TargetScales;
  /** What networks that had not seen the attempt foretold of it, by its key; null: the training has not seen it. */
  readonly outOfFold: (key: string) => Baseline | null;
}

/** A version's network, corrected by the learner. */
export function versionContestant({ version, network, targets, outOfFold }: VersionContestant): Contestant {
  const baselines = networkBaselines(network, targets);
  return {
    name: version,
    baselines,
    lessonBaseline: (key, features) => outOfFold(key) ?? baselines([features])[0] ?? null,
  };
}
