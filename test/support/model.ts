import type { Features } from '#shared/domain/features.ts';
import { sha256Hex } from '#shared/domain/ids.ts';
import { inputWidth } from '#shared/learning/encoding.ts';
import { candidateFeatures, FEATURE_SET } from '#shared/learning/features.ts';
import { createNetwork, weightLayout } from '#shared/learning/network.ts';
import { encodeOutOfFold, type OutOfFold } from '#shared/learning/out-of-fold.ts';
import type { Manifest } from '#shared/registry/manifest.ts';
import type { VersionFiles } from '#shared/registry/versions.ts';
import { anOffer, aWorkload } from './offers.ts';

/** mulberry32: small, seeded, good enough to fill weights. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface ModelFixture {
  readonly manifest: Manifest;
  readonly files: Required<VersionFiles>;
}

/** A whole artefact with seeded weights: what training would leave, without training. */
export function aModel({
  version = 'v1',
  hidden = [32, 16],
  seed = 1,
  outOfFold = [],
}: {
  version?: string;
  hidden?: number[];
  seed?: number;
  outOfFold?: readonly OutOfFold[];
} = {}): ModelFixture {
  const random = seeded(seed);
  const encoding: Manifest['encoding'] = {
    numeric: FEATURE_SET.numeric.map(() => ({ mean: random() - 0.5, std: 0.5 + random() })),
    categorical: FEATURE_SET.categorical.map((name) => ({ vocabulary: vocabulary(name) })),
  };
  const weights = weightLayout(inputWidth(encoding), hidden).map(({ name, shape }) => ({ name, shape }));
  const count = weights.reduce((sum, { shape }) => sum + shape.reduce((product, side) => product * side, 1), 0);
  const bytes = new Uint8Array(count * 4);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < count; i++) view.setFloat32(i * 4, (random() - 0.5) / 2, true);
  const model = new TextEncoder().encode(JSON.stringify({ hidden, seed }));
  const foretold = encodeOutOfFold(outOfFold);
  const golden: Features = candidateFeatures(aWorkload(), anOffer(), Date.UTC(2026, 0, 1, 9));
  const manifest: Manifest = {
    format: 'aurora-router-model/1',
    version,
    created_at: '2026-01-02T00:00:00.000Z',
    feature_set: { set: FEATURE_SET.set, hash: FEATURE_SET.hash },
    encoding,
    hidden,
    targets: { price: { mean: 0.05, std: 0.1 }, latency: { mean: 0.2, std: 0.4 }, ready: { mean: 11, std: 0.7 } },
    weights,
    files: {
      'model.json': { sha256: sha256Hex(model), bytes: model.byteLength },
      'weights.bin': { sha256: sha256Hex(bytes), bytes: bytes.byteLength },
      'out-of-fold.bin': { sha256: sha256Hex(foretold), bytes: foretold.byteLength },
    },
    golden: { features: golden, output: [0, 0, 0, 0, 0] },
    training: {
      backend: 'wasm',
      seed,
      epochs: 1,
      batch_size: 32,
      learning_rate: 0.001,
      l2: 0,
      watermark: '2026-01-02T00:00:00.000Z',
      data_sha256: sha256Hex('rows'),
      rows: 100,
      holdout_rows: 20,
      first_decided_at: '2026-01-01T00:00:00.000Z',
      last_decided_at: '2026-01-01T23:00:00.000Z',
    },
  };
  const output = [...createNetwork(manifest, bytes).forward([golden])];
  return {
    manifest: { ...manifest, golden: { features: golden, output } },
    files: { 'model.json': model, 'weights.bin': bytes, 'out-of-fold.bin': foretold },
  };
}

/** As versions were before out-of-fold.bin. */
export function older({ manifest, files }: ModelFixture): {
  readonly manifest: Manifest;
  readonly files: VersionFiles;
} {
  const { 'out-of-fold.bin': _facts, ...listed } = manifest.files;
  const { 'out-of-fold.bin': _bytes, ...kept } = files;
  return { manifest: { ...manifest, files: listed }, files: kept };
}

function vocabulary(name: string): string[] {
  const words: Record<string, string[]> = {
    provider: ['vast', 'akash', 'render'],
    gpu_type: ['rtx4090', 'h100'],
    region: ['us-west', 'eu-west', 'global'],
    workload_type: ['llm_inference', 'rendering'],
  };
  return words[name] ?? ['vast|rtx4090', 'vast|us-west', 'vast|llm_inference', 'vast|rtx4090|us-west', 'akash|h100'];
}
