/**
 * Who could act, or be shown beside the rules: networks and posteriors, paired by name. A version acts with both of them only;
 * with its network alone it is shown. Made anew after each look at the stores; a request only asks it.
 */
import type { Predicted } from '#shared/domain/decision.ts';
import type { Features } from '#shared/domain/features.ts';
import type { Offer } from '#shared/domain/offer.ts';
import type { Workload } from '#shared/domain/request.ts';
import { contenderOf, noRecord } from '#shared/learning/contender.ts';
import type { PosteriorFacts, ReadyPosterior } from '#shared/learning/fast/learned-objects.ts';
import type { Loaded, Networks } from './networks.ts';
import type { Posteriors } from './posteriors.ts';

/** What a model says of an offer. */
export interface ShownValue {
  readonly features: Features;
  readonly predicted: Predicted;
  readonly expectedUtility: number;
  /** Null: no posterior spoke. */
  readonly variance: number | null;
  readonly leadVariance: number | null;
}

export interface ServedModel {
  /** `linear`, or a model version. */
  readonly name: string;
  /** World epoch milliseconds; null: `linear` never was trained. */
  readonly trainedAtMs: number | null;
  /** Null: the network alone, which never acts. */
  readonly posterior: PosteriorFacts | null;
  /** One each, in the order given. */
  value(workload: Workload, offers: readonly Offer[], nowMs: number): readonly ShownValue[];
}

export interface Company {
  /** Whom the champion alias stands for, whether it can act or not; null: nobody. */
  readonly champion: string | null;
  readonly apprentice: string | null;
  model(name: string): ServedModel | null;
  /** Why it is missing, or lacks what it needs to act. */
  whyNot(name: string): string;
}

export function companyOf(networks: Networks, posteriors: Posteriors): Company {
  const models = new Map(
    [...networks.loaded()].flatMap(([name, loaded]) => {
      const model = modelOf(loaded, posteriors.current(name));
      return model === null ? [] : [[name, model]];
    }),
  );
  return {
    champion: networks.champion(),
    apprentice: networks.apprentice(),
    model: (name) => models.get(name) ?? null,
    whyNot: (name) =>
      networks.loaded().has(name)
        ? `the posterior of ${name}: ${posteriors.whyNot(name)}`
        : `${name}: ${networks.whyNot(name)}`,
  };
}

/** Null: `linear` without a posterior has nothing to say. */
function modelOf({ name, trainedAtMs, scorer }: Loaded, ready: ReadyPosterior | null): ServedModel | null {
  if (ready !== null) {
    const { reader: estimator, ...posterior } = ready;
    const contender = contenderOf({ name, estimator, baselines: scorer?.baselines ?? noRecord });
    return { ...contender, trainedAtMs, posterior };
  }
  if (scorer === null) return null;
  return {
    name,
    trainedAtMs,
    posterior: null,
    value: (workload, offers, nowMs) =>
      scorer.score(workload, offers, nowMs).map((score) => ({ ...score, variance: null, leadVariance: null })),
  };
}
