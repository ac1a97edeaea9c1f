/** A policy that can be played over the record: the fast learner over what is said of a candidate before it has its say. */
import type { Features } from '#shared/domain/features.ts';
import type { Manifest } from '#shared/registry/manifest.ts';
import { type Baseline, NO_RECORD } from '../fast/estimate.ts';
import { LINEAR } from '../fast/learned-objects.ts';
import { networkBaselines } from '../fast/network-baseline.ts';
import type { Network } from '../network.ts';
import { decodeOutOfFold } from '../out-of-fold.ts';

export interface Contestant {
  readonly name: string;
  /** Of candidates at scoring; null: an output is no number. */
  readonly baselines: (features: readonly Features[]) => readonly (Baseline | null)[];
  /** Of a lesson; null: nothing that may be corrected is known of it, for the network has seen its end. */
  readonly lessonBaseline: (lesson: Heard) => Baseline | null;
}

/** Of an attempt, by its key. */
export interface Heard {
  readonly key: string;
  readonly features: Features;
  /** World epoch milliseconds. */
  readonly atMs: number;
}

/** The learner on its own. */
export const linearContestant = (): Contestant => ({
  name: LINEAR,
  baselines: (features) => features.map(() => NO_RECORD),
  lessonBaseline: () => NO_RECORD,
});

/** A version as the registry has it, and what proved it. */
export interface VersionParts {
  readonly manifest: Manifest;
  readonly network: Network;
  /** Null: an older version, of whose training the watermark is known and no row. */
  readonly outOfFold: Uint8Array | null;
}

/**
 * A version's network, corrected by the learner: of the rows of its training from what was foretold without them.
 * @throws RejectedError artefact_corrupt
 */
export function versionContestant({ manifest, network, outOfFold }: VersionParts): Contestant {
  const { version, targets, training } = manifest;
  const baselines = networkBaselines(network, targets);
  const predicted = ({ features }: Heard): Baseline | null => baselines([features])[0] ?? null;
  const foretold = outOfFold === null ? null : decodeOutOfFold(version, outOfFold);
  const trainedUntilMs = Date.parse(training.watermark);
  return {
    name: version,
    baselines,
    lessonBaseline: (heard) => {
      if (foretold !== null) return foretold(heard.key) ?? predicted(heard);
      return heard.atMs <= trainedUntilMs ? null : predicted(heard);
    },
  };
}
