import { defineAgeCheck } from '../age.ts';

/** The champion is young: the loop still learns. */
export const championAgeCheck = defineAgeCheck({
  kind: 'champion_age',
  maxAgeS: 604_800,
  required: true,
  ageMs: (loop, context) => loop.championAgeMs(context),
  remedies: {
    none: 'There is no champion: see whether versions are trained (vm models list) and what promote says of them.',
    old: 'The champion is an old one: see whether train still makes versions, and why promote takes none of them.',
  },
});
