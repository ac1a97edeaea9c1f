/** Figures as text: a table for the terminal, a document for the repository. */
import { type CaseResult, type Figure, meetsAim, type Spread } from './bench-case.ts';
import type { Machine } from './machine.ts';

export interface CaseReport {
  readonly name: string;
  readonly title: string;
  readonly result: CaseResult;
}

export interface Report {
  readonly machine: Machine;
  readonly seconds: number;
  /** YYYY-MM-DD. */
  readonly date: string;
  readonly cases: readonly CaseReport[];
}

const HEAD = ['figure', 'median', 'spread', 'unit', 'against', 'median', 'ratio', 'aim'] as const;

export function table(title: string, { figures, facts }: CaseResult): string {
  const rows = [HEAD, ...figures.map(cells)];
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  return [`\n${title}`, ...lines, ...facts.map((fact) => `  ${fact}`)].join('\n');
}

export function markdown({ machine, seconds, date, cases }: Report): string {
  return [
    '# Measured',
    '',
    'Written by `npm run bench`; do not edit. Each figure is the median over its rounds, with the lowest and highest round;',
    'what it is held against was measured in the same rounds, alternating with it, and the ratio is the median over the rounds.',
    'A spread of tens of per cent means that the machine did other work: then trust the ratios.',
    '',
    `- Date: ${date}; the run took ${(seconds / 60).toFixed(1)} minutes`,
    `- Machine: ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB; mean load meanwhile ${machine.load.toFixed(1)}`,
    `- ${machine.os}; Node ${machine.node}`,
    '',
    ...cases.flatMap(({ name, title, result }) => [
      `## ${title}`,
      '',
      `\`npm run bench -- --only ${name}\``,
      '',
      `| ${HEAD.join(' | ')} |`,
      `|${HEAD.map(() => '---|').join('')}`,
      ...result.figures.map((figure) => `| ${cells(figure).join(' | ')} |`),
      '',
      ...result.facts.map((fact) => `- ${fact}`),
      ...result.figures
        .filter((figure) => meetsAim(figure) === false)
        .map((figure) => `- **Missed:** ${missed(figure)}`),
      '',
    ]),
  ].join('\n');
}

function cells(figure: Figure): string[] {
  const { name, unit, value, baseline, ratio, aim, better } = figure;
  const met = meetsAim(figure);
  return [
    name,
    number(value.median),
    spread(value),
    unit,
    baseline?.name ?? '',
    baseline === null ? '' : number(baseline.value.median),
    ratio === null ? '' : `${ratio.toPrecision(3)}x`,
    aim === null ? '' : `${better === 'higher' ? '>=' : '<='} ${number(aim)}: ${met === true ? 'met' : 'missed'}`,
  ];
}

const missed = ({ name, value, unit, aim, tried }: Figure): string =>
  `${name}: ${number(value.median)} ${unit}, the aim is ${number(aim ?? Number.NaN)}. ${tried ?? ''}`.trim();

const spread = ({ low, high }: Spread): string => (low === high ? '' : `${number(low)} .. ${number(high)}`);

/** Three digits are what a bench can stand for. */
function number(value: number): string {
  if (!Number.isFinite(value)) return 'n/a';
  if (Math.abs(value) >= 1_000) return String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ',');
  return String(Number(value.toPrecision(3)));
}
