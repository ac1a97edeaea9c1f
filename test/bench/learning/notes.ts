/** What was tried for an aim that is missed, and what it gave: one honest line each, kept by hand, under the id of the aim (report/aims.ts). */
export const NOTES: Readonly<Record<string, string>> = {
  'gap-5-10k':
    'What is left there is the noise in what is known of starts and interruptions, not the choice of what to try: exploration shares of .1 and .5, budgets of .01 to 9, a floor of 0, Thompson sampling without limits, the joint probability of being best by Monte Carlo, and the true variances of the classes given to the learner were each no better on both markets (docs/decisions/2026-11-29-exploration.md); over 5 worlds the learner alone has 91.9 % on default and 96.0 % on second. A network under it gains up to five points before 5k in one world of default (the ablation below), and lost three at 5-10k in one of second in a run before this one, so it takes the gate to tell.',
  'gap-10-15k': 'As for 5-10k; over 5 worlds the learner alone has 93.7 % on default and 96.4 % on second.',
  'dr-5k':
    'A part of it is no noise: what the rules rent makes offers dear and scarce that the target would have left alone, and the other way round, so on default what the log pays for the target is some .01 off, whatever the estimator; DM alone, which hardly scatters, errs by 6.0 %. Tried: SNIPS (7.2 %), switch-DR (the same figures as DR).',
  'dr-20k':
    'As for 5,000: 5 logs of one world, and the error of DM alone, 6.0 and 3.3 %, shows how much the load of the policy that logged is worth.',
  'dr-cover-5k':
    'With 20 logs a share of 90 % is two misses, and one of 95 % would be one: so few cannot tell them apart.',
  'dr-cover-20k': 'With 5 logs one miss is 20 %.',
  scoring:
    'Of it 76 µs are the covariances with the leader, by which exploration pays for what tells candidates apart (docs/decisions/2026-11-29-exploration.md). On the same kind of machine other runs of the same code measured p50 93 to 119 and p99 149 to 173 µs; in this one everything else on the machine took 1.3 to 1.6 times as long as then too.',
  'promotion-05':
    'Two steps lose the power. The gate: a twenty-fifth of what the rules do goes where the challenger would go, so 5,000 decisions leave its uplift a standard deviation of .04 to .05. The switchback: 6,000 decisions are 13 pairs of blocks on default and 21 on second, and a realised utility has a standard deviation of .50 and .58. Tried, 40 challengers of each market: half of the exploration for the apprentice, GATE_ALPHA .1 and looks that err .02 together give 17.5 and 5 %; four fifths and GATE_ALPHA .2 give 37.5 and 22.5 %; with GATE_ALPHA .3 and looks that err .05 together, as it is, 67.5 and 37.5 %, and 97.5 and 82.5 % within 15,000 decisions in all. More would take a larger EXPLORATION_EPSILON than .05, or looks that promote what is worse.',
  'promotion-02':
    'Nearly all there is to have: with a standard deviation of .50 and .58 of a realised utility, a switchback alone, with no gate before it, needs 37,000 and 50,000 decisions to show .02 four times in five when its looks err .02 together. Tried, 40 challengers of each market: 40 and 27.5 % with half of the exploration for the apprentice, GATE_ALPHA .1 and such looks; 57.5 and 30 % with four fifths and GATE_ALPHA .2; 77.5 and 57.5 % as it is.',
};
