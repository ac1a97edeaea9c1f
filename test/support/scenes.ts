import type { Company } from '#functions/score/company.ts';
import { type Control, defaultControl, type Trial } from '#shared/domain/control.ts';
import type { Offer } from '#shared/domain/offer.ts';
import { indexOffers } from '#shared/rules/eligibility.ts';
import type { IndexedOffers } from '#shared/serving/offers.ts';
import { aCompany, readyPosterior } from './learned.ts';
import { aModel } from './model.ts';
import { NOW } from './route-house.ts';

const MODEL = aModel();
const LINEAR_KNOWS = readyPosterior('linear');
const V1_KNOWS = readyPosterior('v1', { seed: 2, generation: '9' });
const TRIAL: Trial = {
  challenger: 'v1',
  start: new Date(NOW - 1).toISOString(),
  block_ms: 3_600_000,
  washout_ms: 0,
  seed: 1,
  arms: ['linear', 'v1'],
};

interface Scene {
  readonly company: Company;
  readonly control: Control;
}

/** Who acts: the rules alone, beside an apprentice, a champion, the learner on its own, the arms of a trial. */
export const SCENES = {
  rules: { company: aCompany(), control: defaultControl('auto') },
  apprentice: { company: aCompany({ apprentice: 'v1', networks: [MODEL] }), control: defaultControl('auto') },
  online: {
    company: aCompany({ champion: 'v1', networks: [MODEL], posteriors: [V1_KNOWS] }),
    control: defaultControl('auto'),
  },
  linear: { company: aCompany({ posteriors: [LINEAR_KNOWS] }), control: defaultControl('online') },
  switchback: {
    company: aCompany({ networks: [MODEL], posteriors: [LINEAR_KNOWS, V1_KNOWS] }),
    control: { ...defaultControl('auto'), trial: TRIAL },
  },
} as const satisfies Readonly<Record<string, Scene>>;
export type SceneName = keyof typeof SCENES;

/** Offers as they are polled at NOW. */
export const indexed = (offers: readonly Offer[]): IndexedOffers => {
  const snapshot = { observed_at: new Date(NOW).toISOString(), offers: [...offers] };
  return { snapshot, index: indexOffers(snapshot), observedAtMs: NOW };
};
