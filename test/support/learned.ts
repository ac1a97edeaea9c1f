import { type Company, companyOf } from '#functions/score/company.ts';
import type { Loaded } from '#functions/score/networks.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { canonicalWorkloadOf } from '#shared/domain/request.ts';
import { NO_RECORD } from '#shared/learning/fast/estimate.ts';
import { createFastLearner, type FastLearner } from '#shared/learning/fast/fast-learner.ts';
import {
  LINEAR,
  parseServedPosterior,
  posteriorBytes,
  posteriorText,
  type ReadyPosterior,
} from '#shared/learning/fast/learned-objects.ts';
import { loadPosterior, posteriorOf } from '#shared/learning/fast/posterior.ts';
import { candidateFeatures } from '#shared/learning/features.ts';
import { loadScorer } from '#shared/learning/scorer.ts';
import type { Manifest } from '#shared/registry/manifest.ts';
import type { ArtefactFiles } from '#shared/registry/versions.ts';
import { seeded } from './model.ts';
import { aRouteRequest, FIVE_OFFERS, NOW } from './route-house.ts';

const HOUR_MS = 3_600_000;

/** A learner that has heard of so many runs of the five offers, an hour apart; the dear ones did better. */
function aLearner({ seed = 1, runs = 40, untilMs = NOW } = {}): FastLearner {
  const learner = createFastLearner();
  const workload = canonicalWorkloadOf(aRouteRequest());
  const random = seeded(seed);
  for (let i = 0; i < runs; i++) {
    const decidedMs = untilMs - (runs - i) * HOUR_MS;
    const place = i % FIVE_OFFERS.length;
    const offer = FIVE_OFFERS[place];
    if (offer === undefined) continue;
    const started = random() < 0.5 + place / 10;
    learner.final({
      key: `run-${i}`,
      features: candidateFeatures(workload, offer, decidedMs),
      baseline: NO_RECORD,
      atMs: decidedMs,
      started,
      interrupted: started && random() < 0.2,
      exposureHours: started ? 4 * random() : null,
      logPriceRatio: started ? random() / 5 : null,
      logLatencyRatio: started ? random() : null,
      logReadyMs: started ? 10 + random() : null,
      runHours: 4,
    });
  }
  learner.refit(untilMs);
  return learner;
}

interface Written {
  readonly seed?: number;
  readonly generation?: string;
  readonly atMs?: number;
}

/** Made once of each seed. */
const texts = new Map<number, Uint8Array>();
const textOf = (seed: number): Uint8Array => {
  const text = texts.get(seed) ?? posteriorText(posteriorOf(aLearner({ seed })));
  texts.set(seed, text);
  return text;
};

/** The object of a posterior as `learn` writes it. */
export const servedPosterior = (name: string, { seed = 1, generation = '7', atMs = NOW }: Written = {}): Uint8Array =>
  posteriorBytes(
    { format: 'aurora-served-posterior/1', name, statistics_generation: generation, written_at: rfc3339(atMs) },
    textOf(seed),
  );

export const readyPosterior = (name: string, written: Written = {}): ReadyPosterior =>
  readyPosteriorIn(servedPosterior(name, written));

export function readyPosteriorIn(bytes: Uint8Array): ReadyPosterior {
  const { posterior, ...facts } = parseServedPosterior(bytes);
  return { ...facts, reader: loadPosterior(posterior) };
}

interface Members {
  readonly champion?: string | null;
  readonly apprentice?: string | null;
  readonly networks?: readonly { readonly manifest: Manifest; readonly files: Pick<ArtefactFiles, 'weights.bin'> }[];
  readonly posteriors?: readonly ReadyPosterior[];
}

/** Who could act: these networks and posteriors, and what the aliases name. */
export function aCompany({
  champion = null,
  apprentice = null,
  networks = [],
  posteriors = [],
}: Members = {}): Company {
  const loaded = new Map<string, Loaded>([[LINEAR, { name: LINEAR, trainedAtMs: null, scorer: null }]]);
  for (const { manifest, files } of networks) {
    const { version: name, created_at: trainedAt } = manifest;
    loaded.set(name, { name, trainedAtMs: Date.parse(trainedAt), scorer: loadScorer(manifest, files['weights.bin']) });
  }
  return companyOf(
    {
      champion: () => champion,
      apprentice: () => apprentice,
      loaded: () => loaded,
      whyNot: () => 'it has not been loaded yet',
      fault: () => null,
      refresh: async () => undefined,
    },
    {
      current: (name) => posteriors.find((each) => each.name === name) ?? null,
      whyNot: () => 'it has not been written yet',
      refresh: async () => undefined,
    },
  );
}
