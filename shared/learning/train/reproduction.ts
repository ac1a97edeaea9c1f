/** Whether a version that was trained again is what it was. */
import { isDeepStrictEqual } from 'node:util';
import { sha256Hex } from '#shared/domain/ids.ts';
import { RejectedError } from '#shared/errors.ts';
import type { Manifest } from '#shared/registry/manifest.ts';
import type { WholeVersion } from '#shared/registry/registry.ts';
import type { BackendName } from '../backend.ts';
import type { Example } from '../example.ts';
import { dataSha256 } from '../examples.ts';
import type { TrainedModel, TrainRequest } from './index.ts';
import { configOf } from './plan.ts';

const FILE_NAMES = ['model.json', 'weights.bin', 'out-of-fold.bin'] as const;
type FileName = (typeof FILE_NAMES)[number];

export interface Reproduction {
  readonly version: string;
  /** All files are equal and nothing of the manifest differs. */
  readonly reproduced: boolean;
  readonly rows: number;
  readonly data_sha256: string;
  readonly backend: BackendName;
  readonly files: readonly {
    readonly name: FileName;
    readonly expected_sha256: string;
    readonly got_sha256: string;
    readonly equal: boolean;
  }[];
  /** Fields of the manifest that came out otherwise, as `training.rows`; the files have their own list. */
  readonly differs: readonly string[];
}

/** @throws RejectedError record_changed: these are not the rows that the version was trained on */
export async function assertSameRows({ version, training }: Manifest, examples: readonly Example[]): Promise<void> {
  const { rows, data_sha256: expected, watermark } = training;
  const trainedOn = `${version} was trained on ${rows} rows that had arrived by ${watermark}`;
  if (examples.length !== rows)
    throw new RejectedError('record_changed', `${trainedOn}; the record gives ${examples.length} now`);
  const got = await dataSha256(examples);
  if (got !== expected)
    throw new RejectedError(
      'record_changed',
      `${trainedOn}, sha256 ${expected}; the record gives as many, sha256 ${got}`,
    );
}

/** What trains the version again. On its own backend: another one gives other bytes. */
export function retrainingOf(manifest: Manifest, examples: readonly Example[]): TrainRequest {
  const { watermark, backend } = manifest.training;
  return {
    examples,
    config: configOf(manifest),
    featureSet: manifest.feature_set,
    watermark,
    createdAt: manifest.created_at,
    backend,
  };
}

/** What an older version's manifest does not speak of cannot have come out otherwise. */
export function compared({ manifest, files }: WholeVersion, again: TrainedModel): Reproduction {
  const { version, training } = manifest;
  const comparisons = FILE_NAMES.flatMap((name) => {
    const [expected, got] = [files[name], again.files[name]];
    if (expected === undefined) return [];
    const equal = Buffer.compare(expected, got) === 0;
    return [{ name, expected_sha256: sha256Hex(expected), got_sha256: sha256Hex(got), equal }];
  });
  const [expected, got] = [fieldsOf(manifest), fieldsOf(again.manifest)];
  const differs = [...expected.keys()].filter((field) => !isDeepStrictEqual(expected.get(field), got.get(field)));
  return {
    version,
    reproduced: differs.length === 0 && comparisons.every(({ equal }) => equal),
    rows: training.rows,
    data_sha256: training.data_sha256,
    backend: training.backend,
    files: comparisons,
    differs,
  };
}

/** To two levels, each value as the registry would give it back: JSON has no -0. */
function fieldsOf(manifest: Manifest): ReadonlyMap<string, unknown> {
  const { files: _files, ...fields } = JSON.parse(JSON.stringify(manifest)) as Record<string, unknown>;
  return new Map(
    Object.entries(fields).flatMap(([name, value]): [string, unknown][] =>
      typeof value !== 'object' || value === null || Array.isArray(value)
        ? [[name, value]]
        : Object.entries(value).map(([part, inner]) => [`${name}.${part}`, inner]),
    ),
  );
}
