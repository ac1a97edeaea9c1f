/** What was tried for an aim that is missed, and what it gave: one honest line each, kept by hand, under the id of the aim (report/aims.ts). */
export const NOTES: Readonly<Record<string, string>> = {
  'gap-5-10k':
    'What is left there is the noise in what is known of starts and interruptions, not the choice of what to try: exploration shares of .1 and .5, budgets of .01 to 9, a floor of 0, Thompson sampling without limits, the joint probability of being best by Monte Carlo, and the true variances of the classes given to the learner were each no better on both markets (docs/decisions/2026-11-29-exploration.md); over 5 worlds the learner alone has 91.9 % on default and 96.0 % on second. A network under it gains up to five points before 5k in one world of default (the ablation below), and lost three at 5-10k in one of second in a run before this one, so it takes the gate to tell.',
  'gap-10-15k': 'As for 5-10k; over 5 worlds the learner alone has 93.7 % on default and 96.4 % on second.',
  'slow-feedback':
    'One world. The same world had 96.5 % with code that differs in the order of its sums alone (890bb99), so it may be chance: which versions of the network are tried, and when. Not looked into further.',
  'dr-5k':
    'Noise of the outcomes, all of it: with the true expectations as its model (dr_by_truth below) DR errs by as much. Where the target takes what the rules do not, the propensity is .1 over the number of candidates: weights reach 290, and the standard deviation of .48 of a run becomes 2.2 a row, which is 8 % of what the target is worth over 5,000 rows and 4 % over 20,000, for any unbiased estimate. Over all 100,000 rows of this world DR is off by -.0044 of .304 (standard error .0071), on second by .0053 of .529 (.0076): there is no bias to take away. Tried: SNIPS (7.2 %), switch-DR (keeps every row, so the same as DR), DM (6.0 %, all of it bias: no interval holds the truth). Only a log that takes the target more often tells more, which is why four fifths of epsilon go to the apprentice.',
  'dr-20k':
    'As for 5,000: with the true expectations as its model DR errs by 3.0 and 3.1 %, over 5 logs of one world. DM errs by 6.0 and 3.3 %.',
  'dr-cover-5k':
    'With 20 logs a share of 90 % is two misses, and one of 95 % would be one: so few cannot tell them apart. With the true expectations as the model it is 90 % of the same logs too.',
  'dr-cover-20k': 'With 5 logs one miss is 20 %.',
  'stdio-time':
    'The machine was slow: the rules, whose code has not changed, took 1.2 µs here where they took .3 µs on the day when the same 50,000 decisions took 177 s, on the same kind of machine. Tried: sums four at a time in the solving of the refits, a third of the time (bit for bit the same results): 6,000 decisions of the game took 38.9 and 37.0 s in place of 43.9 and 36.2, which is no gain that can be told from noise.',
  scoring:
    'The machine was slow: the commit before this learner lay side by side in memory (2c11cdb), measured in the same quarter of an hour by the same command, has p50 454 and p99 930 µs, 1.6 and 1.9 times as much; on other days that commit had p50 93 to 140 and p99 149 to 250 µs. A fifth of the time goes to the covariances with the leader, by which exploration pays for what tells candidates apart (docs/decisions/2026-11-29-exploration.md).',
  'promotion-05':
    'Two steps lose the power. The gate: a twenty-fifth of what the rules do goes where the challenger would go, so 5,000 decisions leave its uplift a standard deviation of .04 to .05. The switchback: 6,000 decisions are 13 pairs of blocks on default and 21 on second, and a realised utility has a standard deviation of .50 and .58. Tried, 40 challengers of each market: half of the exploration for the apprentice, GATE_ALPHA .1 and looks that err .02 together give 17.5 and 5 %; four fifths and GATE_ALPHA .2 give 37.5 and 22.5 %; with GATE_ALPHA .3 and looks that err .05 together, as it is, 67.5 and 37.5 %, and 97.5 and 82.5 % within 15,000 decisions in all. More would take a larger EXPLORATION_EPSILON than .05, or looks that promote what is worse.',
  'promotion-02':
    'Nearly all there is to have: with a standard deviation of .50 and .58 of a realised utility, a switchback alone, with no gate before it, needs 37,000 and 50,000 decisions to show .02 four times in five when its looks err .02 together. Tried, 40 challengers of each market: 40 and 27.5 % with half of the exploration for the apprentice, GATE_ALPHA .1 and such looks; 57.5 and 30 % with four fifths and GATE_ALPHA .2; 77.5 and 57.5 % as it is.',
};
