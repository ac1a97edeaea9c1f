/**
 * Whoever may act by expected utility: a posterior over what is said before it, by nobody (`linear`) or by a version's network.
 * In: a request and offers. Out: what each is worth, and how sure that is. Pure but for what it remembers of offers.
 */
import type { Features } from '#shared/domain/features.ts';
import type { Offer } from '#shared/domain/offer.ts';
import type { Workload } from '#shared/domain/request.ts';
import { type CandidateValue, valueCandidates } from './fast/candidate-value.ts';
import { type Baseline, type Estimator, NO_RECORD } from './fast/estimate.ts';
import { featuresFor } from './features.ts';

export interface OfferValue extends CandidateValue {
  /** As valued: what the decision row keeps. */
  readonly features: Features;
}

export interface Contender {
  /** `linear`, or a model version. */
  readonly name: string;
  /** One each, in the order given. @param nowMs world epoch milliseconds */
  value(workload: Workload, offers: readonly Offer[], nowMs: number): readonly OfferValue[];
}

/** What is said of candidates before the learner has its say; null: nothing that could be corrected. */
export type Baselines = (features: readonly Features[]) => readonly (Baseline | null)[];

/** Of the learner on its own. */
export const noRecord: Baselines = (features) => features.map(() => NO_RECORD);

export const contenderOf = ({
  name,
  estimator,
  baselines,
}: {
  readonly name: string;
  readonly estimator: Estimator;
  readonly baselines: Baselines;
}): Contender => ({
  name,
  value(workload, offers, nowMs) {
    const features = offers.map(featuresFor(workload, nowMs));
    const said = baselines(features);
    const asked = offers.map((offer, i) => ({
      offer,
      features: features[i] as Features,
      // A network that overflows has said nothing; the learner was not taught on what it says there either.
      baseline: said[i] ?? NO_RECORD,
    }));
    const values = valueCandidates(estimator, workload, asked, nowMs);
    return values.map((value, i) => ({ ...value, features: features[i] as Features }));
  },
});
