/** The tables under the aims: what every policy did. */
import type { Figures } from '#cli/wargame/measures/figures.ts';
import { POLICY_NAMES } from '#cli/wargame/policies/index.ts';
import { percentText, windowName } from '#cli/wargame/words.ts';
import { GAME, MARKETS, type MarketName, MILD, RARE, SLOW } from '../plan.ts';
import type { Measured } from '../results.ts';
import { shareText } from './cell.ts';
import { count, markdownTable } from './markdown.ts';
import { offPolicySection } from './off-policy.ts';
import { outagesSection } from './outages.ts';
import { promotionsSection } from './promotions.ts';
import { scoringSection } from './scoring.ts';
import { ablationOver, gameOver, type OverWorlds, type Variant } from './select.ts';

/** Sections in the order of the report; one that has nothing to tell is left out. */
export const sections = (all: readonly Measured[]): readonly string[] =>
  [
    ...MARKETS.flatMap((market) => [
      gaps(market, 'as it is', gamesOf(all, market, GAME)),
      worth(all, market),
      gaps(market, 'what each part of the learner gives', (policy) => ablationOver(all, market, policy)),
      gaps(market, 'feedback 20 times slower', gamesOf(all, market, SLOW)),
      gaps(market, 'deviation .25', gamesOf(all, market, MILD)),
      gaps(market, '100 decisions a day', gamesOf(all, market, RARE)),
    ]),
    outagesSection(all),
    offPolicySection(all),
    promotionsSection(all),
    scoringSection(all),
  ].flatMap((section) => (section === null ? [] : [section]));

type Select = (policy: string) => OverWorlds | null;
const gamesOf =
  (all: readonly Measured[], market: MarketName, variant: Variant): Select =>
  (policy) =>
    gameOver(all, market, variant, policy);

const policiesOver = (select: Select): readonly (readonly [string, OverWorlds])[] =>
  POLICY_NAMES.flatMap((policy) => {
    const found = select(policy);
    return found === null ? [] : [[policy, found] as const];
  });

/** Rules and oracle are 0 and 100 by definition. */
const between = ([policy]: readonly [string, OverWorlds]): boolean => policy !== 'rules' && policy !== 'oracle';

function gaps(market: MarketName, name: string, select: Select): string | null {
  const found = policiesOver(select).filter(between);
  const [first] = found;
  if (first === undefined) return null;
  const rows = found.map(([policy, { mean, worst }]) => [
    policy,
    ...mean.gap_by_window.map(({ gap }, at) => shareText(gap, worst.gap_by_window[at]?.gap ?? null)),
  ]);
  return [
    `## Gap closed on ${market}, ${name}: mean of ${first[1].worlds} worlds (worst)`,
    markdownTable(['policy', ...first[1].mean.gap_by_window.map(windowName)], rows),
  ].join('\n\n');
}

function worth(all: readonly Measured[], market: MarketName): string | null {
  const found = policiesOver(gamesOf(all, market, GAME));
  const [first] = found;
  if (first === undefined) return null;
  const levels = Object.keys(first[1].mean.decisions_until_gap);
  const cells = (figures: Figures): readonly string[] => [
    figures.utility === null ? '-' : figures.utility.toFixed(4),
    percentText(figures.completed_share),
    figures.usd_per_completed_gpu_hour?.toFixed(3) ?? '-',
    count(figures.p95_latency_ms),
    count(figures.regret),
    ...levels.map((level) => count(figures.decisions_until_gap[level] ?? null)),
  ];
  return [
    `## What the decisions on ${market} were worth, and how soon the gap was closed: mean of ${first[1].worlds} worlds`,
    markdownTable(
      [
        'policy',
        'utility',
        'completed',
        'USD per completed GPU-hour',
        'p95 latency, ms',
        'regret',
        ...levels.map((level) => `decisions until ${level} %`),
      ],
      found.map(([policy, { mean }]) => [policy, ...cells(mean)]),
    ),
    'Until a level: decisions until the gap over the 500 last ones first reaches it; -: not in some world.',
  ].join('\n\n');
}
