/** The aims of the learning, and what was measured for each on each market. */
import { percentText, thousands } from '#cli/wargame/words.ts';
import { AUTO, GAME, LEARNER, MARKETS, type MarketName, MILD, RARE, SLOW } from '../plan.ts';
import { type Measured, ofKind } from '../results.ts';
import { atLeast, type Cell, NOT_HERE, NOT_MEASURED, shareText } from './cell.ts';
import { count } from './markdown.ts';
import { IN_SWITCHBACK, isWorse, LOGGED, type Promotions, promotionsOver } from './promotions.ts';
import { ablationOver, gameOver, gapAt, gapsAt, offPolicyOver, outagesOver } from './select.ts';

export interface Aim {
  /** Under which a note is kept. */
  readonly id: string;
  readonly measure: string;
  /** Ridge Thompson, or what else was known before. */
  readonly known: string;
  readonly aim: string;
  cell(all: readonly Measured[], market: MarketName): Cell;
}

/** A window of the war game as it is. */
const window = (from: number, to: number, known: number, least: number, leastWorst?: number): Aim => ({
  id: `gap-${from / 1000}-${to / 1000}k`,
  measure: `gap at ${from / 1000}-${to / 1000}k`,
  known: `${known} %`,
  aim: `>= ${least} %${leastWorst === undefined ? '' : `, no world under ${leastWorst} %`}`,
  cell: (all, market) =>
    atLeast(
      gapsAt(gameOver(all, market, GAME, LEARNER), from, to),
      least / 100,
      leastWorst === undefined ? undefined : leastWorst / 100,
    ),
});

/** Decisions until regret is back, after the start or the end of the outage. */
const recovery = (
  all: readonly Measured[],
  market: MarketName,
  part: 'after_start' | 'after_end',
  most: number,
): Cell => {
  const found = outagesOver(all, market, LEARNER);
  if (found === null) return NOT_MEASURED;
  const [mean, worst] = [found.mean.recovery[0]?.[part] ?? null, found.worst.recovery[0]?.[part] ?? null];
  if (mean === null || worst === null) return { text: 'not back in some world', met: false };
  return { text: `${thousands(mean)} (${thousands(worst)})`, met: mean <= most };
};

const offPolicyError = (n: number, known: string, most: number): Aim => ({
  id: `dr-${n / 1000}k`,
  measure: `DR relative error at n = ${n / 1000}k, epsilon .1`,
  known,
  aim: `<= ${known}`,
  cell(all, market) {
    const found = offPolicyOver(all, market, n, 'dr');
    if (found === null) return NOT_MEASURED;
    const { relative_error: error, repetitions } = found;
    return { text: `${percentText(error)} of ${repetitions} logs`, met: error <= most };
  },
});

const offPolicyCover = (n: number): Aim => ({
  id: `dr-cover-${n / 1000}k`,
  measure: `DR 95 % interval holds the truth, n = ${n / 1000}k`,
  known: '-',
  aim: '>= 93 %',
  cell(all, market) {
    const found = offPolicyOver(all, market, n, 'dr');
    if (found === null) return NOT_MEASURED;
    return { text: `${percentText(found.cover)} of ${found.repetitions} logs`, met: found.cover >= 0.93 };
  },
});

/** Of challengers whose true uplift is known. */
const promotion = (
  aim: Omit<Aim, 'known' | 'cell'>,
  uplift: (wanted: number) => boolean,
  cell: (found: Promotions) => Cell,
): Aim => ({
  ...aim,
  known: '-',
  cell(all, market) {
    const found = promotionsOver(all, market, uplift);
    return found === null ? NOT_MEASURED : cell(found);
  },
});
const PROMOTED_SHARE = 0.8;

type Stdio = ReturnType<typeof ofKind<'stdio'>>[number];
/** Measured on one market. */
const stdio = (aim: Omit<Aim, 'cell'>, cell: (found: Stdio, all: readonly Measured[]) => Cell): Aim => ({
  ...aim,
  cell(all, market) {
    const found = ofKind(all, 'stdio').find(({ job }) => job.market === market);
    return found === undefined ? notOn(market) : cell(found, all);
  },
});
/** Of what concerns one market only. */
const notOn = (market: MarketName): Cell => (market === MARKETS[0] ? NOT_MEASURED : NOT_HERE);

/** How far a world's gap moves by the draws alone. */
const CHANCE = 0.02;
const FIVE_MINUTES_S = 300;
const SCORING_US = 200;

export const AIMS: readonly Aim[] = [
  window(2_000, 4_000, 78, 85),
  window(5_000, 10_000, 90, 93),
  window(10_000, 15_000, 93, 95),
  window(40_000, 50_000, 97, 97, 94),
  {
    id: 'outage-start',
    measure: 'silent outage of the top provider: decisions until regret is back to its level before + .02',
    known: '250, at 5 points when stationary',
    aim: '<= 250, without that price',
    cell: (all, market) => recovery(all, market, 'after_start', 250),
  },
  {
    id: 'outage-price',
    measure: 'the same learner and worlds without the outage: gap at 40-50k',
    known: '90 %',
    aim: '>= 97 %',
    cell: (all, market) => atLeast(gapsAt(gameOver(all, market, GAME, LEARNER), 40_000, 50_000), 0.97),
  },
  {
    id: 'outage-end',
    measure: 'after its return: decisions until regret is back',
    known: '250-2,500',
    aim: '<= 500',
    cell: (all, market) => recovery(all, market, 'after_end', 500),
  },
  {
    id: 'slow-feedback',
    measure: 'feedback 20 times slower: gap at 40-50k',
    known: '96 %',
    aim: '>= 96 %',
    cell: (all, market) => atLeast(gapsAt(gameOver(all, market, SLOW, LEARNER), 40_000, 50_000), 0.96),
  },
  {
    id: 'deviation',
    measure: 'deviation .25: gap at 40-50k',
    known: '92 %',
    aim: '>= 93 %',
    cell: (all, market) => atLeast(gapsAt(gameOver(all, market, MILD, LEARNER), 40_000, 50_000), 0.93),
  },
  {
    id: 'auto',
    measure: 'stage auto: gap at 40-50k',
    known: '-',
    aim: '>= 95 %',
    cell: (all, market) => atLeast(gapsAt(gameOver(all, market, GAME, AUTO), 40_000, 50_000), 0.95),
  },
  {
    id: 'auto-first',
    measure: 'stage auto: gap over the first 10k',
    known: '-',
    aim: 'reported',
    cell(all, market) {
      const { mean, worst } = gapsAt(gameOver(all, market, GAME, AUTO), 0, 10_000);
      return mean === null ? NOT_MEASURED : { text: shareText(mean, worst), met: null };
    },
  },
  {
    id: 'ablation',
    measure: 'network and linear heads together, beside the linear heads alone: gap at 10-15k',
    known: '-',
    aim: 'reported',
    cell(all, market) {
      const [both, linear] = (['both', 'linear'] as const).map((policy) =>
        gapsAt(ablationOver(all, market, policy), 10_000, 15_000),
      );
      if (both?.mean == null || linear?.mean == null) return NOT_MEASURED;
      return { text: `${shareText(both.mean, both.worst)} beside ${shareText(linear.mean, linear.worst)}`, met: null };
    },
  },
  offPolicyError(5_000, '6 %', 0.06),
  offPolicyError(20_000, '2.2 %', 0.022),
  offPolicyCover(5_000),
  offPolicyCover(20_000),
  promotion(
    { id: 'promotion-worse', measure: 'worse challengers promoted, with the 95 % limit of their share', aim: '0' },
    isWorse,
    ({ promoted, tries, at_most: most }) => ({
      text: `${promoted} of ${tries} (at most ${percentText(most)})`,
      met: promoted === 0,
    }),
  ),
  promotion(
    {
      id: 'promotion-05',
      measure: `true uplift .05: promoted within ${thousands(LOGGED)} decisions of the rules and ${thousands(IN_SWITCHBACK)} of switchbacks`,
      aim: '>= 80 %',
    },
    (wanted) => wanted === 0.05,
    ({ soon, tries }) => ({ text: `${percentText(soon / tries)} of ${tries}`, met: soon / tries >= PROMOTED_SHARE }),
  ),
  promotion(
    { id: 'promotion-02', measure: 'true uplift .02: promoted within 30,000 decisions (their median)', aim: '>= 80 %' },
    (wanted) => wanted === 0.02,
    ({ promoted, tries, median_decisions: decisions }) => ({
      text: `${percentText(promoted / tries)} of ${tries} (${count(decisions)})`,
      met: promoted / tries >= PROMOTED_SHARE,
    }),
  ),
  stdio(
    {
      id: 'stdio-gap',
      measure: 'vm agent --stdio, one world: gap at 40-50k beside that in process',
      known: '-',
      aim: 'within 2 points',
    },
    ({ job, result }, all) => {
      const inProcess = ofKind(all, 'game').find(
        (game) =>
          game.job.market === job.market &&
          game.job.seed === job.seed &&
          game.job.decisions_per_day === null &&
          game.job.deviation === 1 &&
          game.job.slow_feedback === 1 &&
          game.result.figures[LEARNER] !== undefined,
      );
      const [mine, other] = [result.figures['agent'], inProcess?.result.figures[LEARNER]].map((figures) =>
        gapAt(figures, 40_000, 50_000),
      );
      if (mine == null || other == null) return NOT_MEASURED;
      return { text: `${percentText(mine)} beside ${percentText(other)}`, met: mine >= other - CHANCE };
    },
  ),
  stdio(
    {
      id: 'stdio-time',
      measure: 'vm agent --stdio: 50,000 decisions with their outcomes',
      known: '-',
      aim: '< 5 min',
    },
    ({ job, result }) =>
      job.decisions < 50_000
        ? NOT_MEASURED
        : { text: `${Math.round(result.wall_s)} s`, met: result.wall_s < FIVE_MINUTES_S },
  ),
  stdio(
    {
      id: 'stdio-bytes',
      measure: 'vm agent --stdio: two runs give the same bytes',
      known: '-',
      aim: 'yes',
    },
    ({ job, result }) => {
      const same = new Set(result.answers).size === 1;
      return { text: `${same ? 'yes' : 'no'}, ${thousands(job.repeated)} decisions`, met: same };
    },
  ),
  {
    id: 'scoring',
    measure: 'scoring 8 candidates with the fast learner, p99',
    known: '-',
    aim: '< .2 ms',
    cell(all, market) {
      const found = ofKind(all, 'scoring').find(({ job }) => job.market === market);
      if (found === undefined) return notOn(market);
      const { p50Us, p99Us } = found.result.posterior;
      return { text: `${ms(p99Us)} ms (p50 ${ms(p50Us)})`, met: p99Us < SCORING_US };
    },
  },
  {
    id: 'rare',
    measure: '100 decisions a day: gap at 5-10k beside that at full speed',
    known: '-',
    aim: 'reported',
    cell(all, market) {
      const [rare, full] = [RARE, GAME].map((variant) =>
        gapsAt(gameOver(all, market, variant, LEARNER), 5_000, 10_000),
      );
      if (rare?.mean == null || full?.mean == null) return NOT_MEASURED;
      return { text: `${shareText(rare.mean, rare.worst)} beside ${shareText(full.mean, full.worst)}`, met: null };
    },
  },
];

const ms = (us: number): string => (us / 1000).toFixed(3);
