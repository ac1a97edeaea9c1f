/** A report as people read it: one table for each question. */
import type { ScenarioEvent } from '#sim/market/scenario.ts';
import { table } from '../table.ts';
import type { Figures } from './measures/figures.ts';
import { MOVING_WINDOW } from './measures/gap.ts';
import { TOLERANCE } from './measures/recovery.ts';
import { POLICY_NAMES, type PolicyName } from './policies/index.ts';
import type { Report } from './report.ts';
import { eventName, percentText, thousands, windowName } from './words.ts';

export function tablesOf(report: Report): string {
  return [headline(report), worth(report), gaps(report), speed(report), ...recoveries(report)].join('\n\n');
}

function headline({ market, decisions, seeds, deviation, slow_feedback, scenario }: Report): string {
  const feedback = slow_feedback === 1 ? '' : `, feedback ${slow_feedback} times slower`;
  const weather = scenario === null ? '' : `, scenario ${scenario}`;
  return [
    `${market}: ${thousands(decisions)} decisions in ${seeds.length === 1 ? 'world' : 'each of the worlds'} ${seeds.join(', ')}; deviation ${deviation}${feedback}${weather}`,
    seeds.length === 1 ? '' : 'means over the worlds; below each, its worst world figure by figure',
  ]
    .filter((line) => line !== '')
    .join('\n');
}

/** A line for each policy, and under it one for its worst world where there are several. */
function lines(
  report: Report,
  cellsOf: (figures: Figures) => readonly string[],
  tell: (policy: PolicyName) => boolean = () => true,
): readonly (readonly string[])[] {
  return POLICY_NAMES.filter(tell).flatMap((policy) => {
    const told = report.policies[policy];
    if (told === undefined) return [];
    const mean = [policy, ...cellsOf(told.mean)];
    return report.seeds.length === 1 ? [mean] : [mean, ['  worst', ...cellsOf(told.worst)]];
  });
}

const worth = (report: Report): string =>
  table(
    lines(report, (figures) => [
      figures.utility === null ? '-' : figures.utility.toFixed(4),
      percentText(figures.gap),
      percentText(figures.completed_share),
      figures.usd_per_completed_gpu_hour === null ? '-' : figures.usd_per_completed_gpu_hour.toFixed(3),
      figures.p95_latency_ms === null ? '-' : thousands(figures.p95_latency_ms),
      thousands(figures.regret),
      thousands(figures.no_offer),
    ]),
    ['policy', 'utility', 'gap', 'completed', 'USD/GPU-hour', 'p95 latency ms', 'regret', 'no offer'],
    1,
  );

/** Those between which the gap lies are 0 and 100 by definition. */
const between = (policy: PolicyName): boolean => policy !== 'rules' && policy !== 'oracle';

const gaps = (report: Report): string =>
  told(
    'gap closed, by decisions',
    lines(report, (figures) => figures.gap_by_window.map(({ gap }) => percentText(gap)), between),
    ['policy', ...(report.policies.oracle?.mean.gap_by_window.map(windowName) ?? [])],
  );

const speed = (report: Report): string =>
  told(
    `decisions until the gap over the last ${MOVING_WINDOW} reaches (-: not in this run)`,
    lines(report, (figures) => Object.values(figures.decisions_until_gap).map(count), between),
    ['policy', ...Object.keys(report.policies.oracle?.mean.decisions_until_gap ?? {}).map((level) => `${level} %`)],
  );

const recoveries = (report: Report): readonly string[] =>
  report.events.length === 0 ? [] : report.events.map((event, at) => recovery(report, event, at));

const recovery = (report: Report, event: ScenarioEvent, at: number): string =>
  told(
    `${eventName(event)}: decisions until regret is back to its level before + ${TOLERANCE}`,
    lines(
      report,
      ({ recovery: all }) => [
        count(all[at]?.after_start ?? null),
        all[at]?.ended === true ? count(all[at].after_end) : 'not over',
      ],
      (policy) => policy !== 'oracle',
    ),
    ['policy', 'after its start', 'after its end'],
  );

const told = (title: string, rows: readonly (readonly string[])[], header: readonly string[]): string =>
  rows.length === 0 ? `${title}: no policy was asked for` : `${title}\n${table(rows, header, 1)}`;

const count = (decisions: number | null): string => (decisions === null ? '-' : thousands(decisions));
