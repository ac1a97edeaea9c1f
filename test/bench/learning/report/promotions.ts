/** The way to promotion: how often the worse take it, and how soon the better. */
import { percentText, short, thousands } from '#cli/wargame/words.ts';
import { median } from '../../stats.ts';
import type { Try } from '../jobs/promotion.ts';
import { MARKETS, type MarketName } from '../plan.ts';
import { type Measured, ofKind } from '../results.ts';
import { count, markdownTable } from './markdown.ts';
import { upperLimit } from './upper-limit.ts';

/** What a good challenger may take: decisions that the rules made, and decisions of switchbacks. */
export const LOGGED = 5_000;
export const IN_SWITCHBACK = 6_000;
const WITHIN = `${short(LOGGED)} + ${short(IN_SWITCHBACK)}`;

export interface Promotions {
  readonly tries: number;
  /** True uplifts that were reached. */
  readonly least: number;
  readonly most: number;
  readonly passed: number;
  readonly promoted: number;
  /** Of the promoted; null: none was. */
  readonly median_decisions: number | null;
  /** Promoted within LOGGED and IN_SWITCHBACK. */
  readonly soon: number;
  /** One-sided 95 % limit of the share that is promoted. */
  readonly at_most: number;
}

/** Null: none was tried. @param market null: all of them together @param uplift that the challengers were to have */
export function promotionsOver(
  all: readonly Measured[],
  market: MarketName | null,
  uplift: (wanted: number) => boolean,
): Promotions | null {
  const tries = ofKind(all, 'promotion')
    .filter(({ job }) => (market === null || job.market === market) && uplift(job.uplift))
    .flatMap(({ result }) => result.tries);
  if (tries.length === 0) return null;
  const uplifts = tries.map((one) => one.uplift);
  const promoted = tries.flatMap((one) => one.promoted ?? []);
  return {
    tries: tries.length,
    least: Math.min(...uplifts),
    most: Math.max(...uplifts),
    passed: tries.filter(({ passed }) => passed !== null).length,
    promoted: promoted.length,
    median_decisions: promoted.length === 0 ? null : median(promoted.map(({ decisions }) => decisions)),
    soon: tries.filter(isSoon).length,
    at_most: upperLimit(promoted.length, tries.length),
  };
}

const isSoon = ({ promoted }: Try): boolean =>
  promoted !== null && promoted.decisions - promoted.in_switchback <= LOGGED && promoted.in_switchback <= IN_SWITCHBACK;

export const isWorse = (uplift: number): boolean => uplift < 0;

export function promotionsSection(all: readonly Measured[]): string | null {
  const jobs = ofKind(all, 'promotion').map(({ job }) => job);
  const [first] = jobs;
  if (first === undefined) return null;
  const wanted = [...new Set(jobs.map(({ uplift }) => uplift))].sort((a, b) => a - b);
  const longest = (uplift: number): number =>
    Math.max(...jobs.filter((job) => job.uplift === uplift).map(({ decisions }) => decisions));
  const row = (name: string, uplift: string, found: Promotions | null): readonly (readonly string[])[] =>
    found === null
      ? []
      : [
          [
            name,
            `${uplift} (${found.least.toFixed(3)} to ${found.most.toFixed(3)})`,
            String(found.tries),
            String(found.passed),
            String(found.promoted),
            count(found.median_decisions),
            percentText(found.soon / found.tries),
            found.most < 0 ? percentText(found.at_most) : '-',
          ],
        ];
  return [
    '## The way to promotion',
    `Challengers of a known true uplift over the rules as they act, taken through gate and switchback as stage auto does (of the gate, what it asks of a policy), each in a world of its own, with beliefs of its own. The uplift is that of the challenger alone, over the first ${thousands(first.stretch)} decisions of its world; in brackets the least and the most that was reached. A try ends with the promotion, or after ${wanted.map((uplift) => `${thousands(longest(uplift))} decisions (${uplift})`).join(', ')}. Within ${WITHIN}: promoted after at most so many decisions of the rules and so many of switchbacks. Limit: the exact one-sided 95 % upper limit of the share of worse ones that is promoted.`,
    markdownTable(
      [
        'market',
        'true uplift',
        'tries',
        'passed the gate',
        'promoted',
        'median decisions',
        `within ${WITHIN}`,
        'limit',
      ],
      [
        ...MARKETS.flatMap((market) =>
          wanted.flatMap((uplift) =>
            row(
              market,
              String(uplift),
              promotionsOver(all, market, (of) => of === uplift),
            ),
          ),
        ),
        ...row('all', 'worse', promotionsOver(all, null, isWorse)),
      ],
    ),
  ].join('\n\n');
}
