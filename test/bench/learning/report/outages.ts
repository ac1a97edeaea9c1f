/** The silent outage, world by world. */
import { percentText, thousands, windowName } from '#cli/wargame/words.ts';
import { GAME, LEARNER, MARKETS, type MarketName } from '../plan.ts';
import { type Measured, ofKind } from '../results.ts';
import { count, markdownTable } from './markdown.ts';
import { gameOver, outagesOver } from './select.ts';

export function outagesSection(all: readonly Measured[]): string | null {
  const worlds = ofKind(all, 'outage');
  const [first] = worlds;
  if (first === undefined) return null;
  const rows = worlds.flatMap(({ job, result }) =>
    Object.entries(result.figures).flatMap(([policy, { recovery, gap_by_window }]) =>
      policy === 'oracle'
        ? []
        : [
            [
              `${job.market} ${job.seed}`,
              `${result.provider}, ${percentText(result.share)}`,
              policy,
              count(recovery[0]?.after_start ?? null),
              count(recovery[0]?.after_end ?? null),
              percentText(gap_by_window.find(({ to }) => to === job.decisions)?.gap ?? null),
              percentText(calmGap(all, job.market as MarketName, job.seed, policy)),
            ],
          ],
    ),
  );
  const { from, to } = first.job;
  return [
    '## Silent outage of the top provider',
    `The provider that the oracle took most in decisions 0 to ${thousands(from)} of that world starts one run in twenty of those it did, and breaks runs twenty times as often, from decision ${thousands(from)} to ${thousands(to)} (${hoursText(worlds.map(({ result }) => result.hours))} hours); its offers say nothing. Back: the first decision from which 250 in a row have a mean regret of at most that of the 500 before the outage, plus .02; -: not before its end, or the end of the run.`,
    markdownTable(
      [
        'world',
        'provider, share of the oracle',
        'policy',
        'back after its start',
        'back after its end',
        'gap in the last window',
        'without the outage',
      ],
      rows,
    ),
    ...MARKETS.flatMap((market) => {
      const found = outagesOver(all, market, LEARNER);
      return found === null
        ? []
        : [
            `${market}, ${LEARNER}, gap by window: ${found.mean.gap_by_window.map((window) => `${windowName(window)} ${percentText(window.gap)}`).join(', ')}.`,
          ];
    }),
  ].join('\n\n');
}

/** The last window of the same world in calm. */
function calmGap(all: readonly Measured[], market: MarketName, seed: number, policy: string): number | null {
  const one = all.filter(({ job }) => job.kind === 'game' && job.seed === seed);
  const windows = gameOver(one, market, GAME, policy)?.mean.gap_by_window ?? [];
  const last = Math.max(...windows.map(({ to }) => to));
  return windows.find(({ to }) => to === last)?.gap ?? null;
}

function hoursText(hours: readonly number[]): string {
  const [least, most] = [Math.round(Math.min(...hours)), Math.round(Math.max(...hours))];
  return least === most ? `${least}` : `${least} to ${most}`;
}
