import { defineAgeCheck } from '../age.ts';

/** The offers that are routed by are young: collect runs and reaches the providers. */
export const offersAgeCheck = defineAgeCheck({
  kind: 'offers_age',
  maxAgeS: 900,
  required: true,
  ageMs: (loop, context) => loop.offersAgeMs(context),
  remedies: {
    none: 'There are no offers: see whether collect runs, and whether providers are configured.',
    old: 'The offers are old: see whether collect runs, and what it logs of the providers.',
  },
});
