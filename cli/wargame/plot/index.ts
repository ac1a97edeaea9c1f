/** The gap over decisions as an SVG: a line for each policy, its worlds as a band around it. A pure function of the report. */
import type { PolicyName } from '../policies/index.ts';
import type { PolicyReport, Report } from '../report.ts';
import { percentText, short, thousands } from '../words.ts';
import { type Axis, decisionsAxis, FRAME, shareAxis, spread } from './frame.ts';
import { points, tag, text } from './svg.ts';

/** Told apart by eyes that see fewer colours, too (Okabe and Ito 2008). */
const COLOURS: Readonly<Partial<Record<PolicyName, string>>> = {
  aurora: '#0072b2',
  tables: '#d55e00',
  advertised: '#9a5c86',
};
const [INK, MUTED, GRID, PAPER] = ['#1b1f24', '#5b6470', '#e6e8eb', '#ffffff'];

interface Drawn {
  readonly policy: string;
  readonly colour: string;
  readonly points: readonly { readonly x: number; readonly gap: number; readonly low: number; readonly high: number }[];
}

export function plotOf(report: Report): string {
  const drawn = drawnOf(report);
  const x = decisionsAxis(FIRST_DECISION, Math.max(2 * FIRST_DECISION, report.decisions));
  const y = shareAxis(drawn.flatMap((one) => one.points.flatMap(({ low, high }) => [low, high])));
  const { width, height } = FRAME;
  const size = { width, height, viewBox: `0 0 ${width} ${height}` };
  const style = { 'font-family': 'Inter, system-ui, Helvetica, Arial, sans-serif', 'font-size': 13, fill: INK };
  return `${tag(
    'svg',
    { xmlns: 'http://www.w3.org/2000/svg', role: 'img', ...size, ...style },
    tag('title', {}, `Gap closed by each policy, market ${report.market}`),
    tag('rect', { width, height, fill: PAPER }),
    ...heading(report),
    ...legend(drawn, report.seeds.length),
    ...grid(x, y),
    ...drawn.map((one) => bandOf(one, x, y)),
    ...drawn.flatMap((one) => lineOf(one, x, y)),
    ...labels(drawn, y),
  )}\n`;
}

/** Left end of the axis: the middle of the first window is just right of it. */
const FIRST_DECISION = 200;

function drawnOf(report: Report): readonly Drawn[] {
  return Object.entries(report.policies).flatMap(([policy, told]) => {
    const colour = COLOURS[policy as PolicyName];
    return colour === undefined ? [] : [{ policy, colour, points: pointsOf(told) }];
  });
}

/** A window's figure stands at its middle on the axis; the first begins at none, and stands at half. */
function pointsOf({ mean, worst, worlds }: PolicyReport): Drawn['points'] {
  return mean.gap_by_window.flatMap(({ from, to, gap }, at) => {
    const low = worst.gap_by_window[at]?.gap ?? null;
    if (gap === null || low === null) return [];
    const high = Math.max(...worlds.map((world) => world.gap_by_window[at]?.gap ?? gap));
    return [{ x: from === 0 ? to / 2 : Math.sqrt(from * to), gap, low, high }];
  });
}

function heading({ market, decisions, seeds, deviation, slow_feedback, scenario }: Report): readonly string[] {
  const told = [
    `market ${market}`,
    `${thousands(decisions)} decisions`,
    seeds.length === 1 ? `world ${seeds[0]}` : `mean of ${seeds.length} worlds`,
    `deviation ${deviation}`,
    ...(slow_feedback === 1 ? [] : [`feedback ${slow_feedback} times slower`]),
    ...(scenario === null ? [] : [`scenario ${scenario}`]),
  ];
  return [
    text(FRAME.left, 36, 'How much of the gap between rules and oracle is closed', {
      'font-size': 20,
      'font-weight': 600,
    }),
    text(FRAME.left, 58, told.join(' · '), { fill: MUTED }),
  ];
}

/** One after the other, each as wide as its words. */
function legend(drawn: readonly Drawn[], worlds: number): readonly string[] {
  let left: number = FRAME.left;
  const place = (words: string): number => {
    const here = left;
    left += SWATCH + 8 + CHARACTER * words.length + 28;
    return here;
  };
  const items = drawn.flatMap(({ policy, colour }) => {
    const x = place(policy);
    return [
      tag('line', { x1: x, x2: x + SWATCH, y1: 84, y2: 84, stroke: colour, 'stroke-width': 2.5 }),
      tag('circle', { cx: x + SWATCH / 2, cy: 84, r: 4, fill: colour }),
      text(x + SWATCH + 8, 88.5, policy),
    ];
  });
  if (worlds === 1 || drawn.length === 0) return items;
  return [
    ...items,
    tag('rect', { x: left, y: 77, width: SWATCH, height: 14, fill: MUTED, opacity: 0.16 }),
    text(left + SWATCH + 8, 88.5, 'worst to best world', { fill: MUTED }),
  ];
}

/** Pixels: the mark of a line, and about one letter of 13. */
const [SWATCH, CHARACTER] = [22, 7.6];

function grid(x: Axis, y: Axis): readonly string[] {
  const { left, right, top, bottom } = FRAME;
  const horizontal = y.ticks.flatMap((tick) => {
    const at = y.at(tick);
    // The rules and the oracle: what the figures are measured between.
    const bound = Math.abs(tick) < 1e-9 || Math.abs(tick - 1) < 1e-9;
    return [
      tag('line', {
        x1: left,
        x2: right,
        y1: at,
        y2: at,
        stroke: bound ? MUTED : GRID,
        'stroke-width': bound ? 1.2 : 1,
      }),
      text(left - 10, at + 4.5, `${Math.round(100 * tick)} %`, { 'text-anchor': 'end', fill: MUTED }),
    ];
  });
  const vertical = x.ticks.flatMap((tick) => [
    tag('line', { x1: x.at(tick), x2: x.at(tick), y1: bottom, y2: bottom + 6, stroke: MUTED }),
    text(x.at(tick), bottom + 22, short(tick), { 'text-anchor': 'middle', fill: MUTED }),
  ]);
  return [
    ...horizontal,
    ...vertical,
    text(
      (left + right) / 2,
      bottom + 52,
      'decisions (logarithmic; each point is the mean of a window, at its middle)',
      {
        'text-anchor': 'middle',
        fill: MUTED,
      },
    ),
    text(0, 0, 'gap closed', {
      transform: `translate(22 ${(top + bottom) / 2}) rotate(-90)`,
      'text-anchor': 'middle',
      fill: MUTED,
    }),
  ];
}

const bandOf = ({ colour, points: all }: Drawn, x: Axis, y: Axis): string =>
  tag('polygon', {
    points: points([
      ...all.map(({ x: at, high }): [number, number] => [x.at(at), y.at(high)]),
      ...all.toReversed().map(({ x: at, low }): [number, number] => [x.at(at), y.at(low)]),
    ]),
    fill: colour,
    opacity: 0.14,
  });

function lineOf({ policy, colour, points: all }: Drawn, x: Axis, y: Axis): readonly string[] {
  const corners = all.map(({ x: at, gap }): [number, number] => [x.at(at), y.at(gap)]);
  return [
    tag('polyline', {
      points: points(corners),
      fill: 'none',
      stroke: colour,
      'stroke-width': 2.5,
      'stroke-linejoin': 'round',
    }),
    ...all.map(({ x: at, gap }) =>
      tag(
        'circle',
        { cx: x.at(at), cy: y.at(gap), r: 4.5, fill: colour, stroke: PAPER, 'stroke-width': 1.5 },
        tag('title', {}, `${policy}, about ${thousands(at)} decisions: ${percentText(gap)}`),
      ),
    ),
  ];
}

/** At the right end of each line, its name and its last figure. */
function labels(drawn: readonly Drawn[], y: Axis): readonly string[] {
  const ends = [
    { name: 'oracle', colour: MUTED, gap: 1, figure: '' },
    ...drawn.flatMap(({ policy, colour, points: all }) => {
      const last = all.at(-1);
      return last === undefined ? [] : [{ name: policy, colour, gap: last.gap, figure: percentText(last.gap) }];
    }),
    { name: 'rules', colour: MUTED, gap: 0, figure: '' },
  ];
  const heights = spread(ends.map(({ gap }) => y.at(gap)));
  return ends.map(({ name, colour, figure }, at) =>
    text(FRAME.right + 12, (heights[at] as number) + 4.5, `${name} ${figure}`.trim(), {
      fill: colour,
      'font-weight': 600,
    }),
  );
}
