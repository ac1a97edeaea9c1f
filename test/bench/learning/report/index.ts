/** What was measured, as a document for the repository. */
import type { Machine } from '../../machine.ts';
import { MARKETS } from '../plan.ts';
import type { Measured } from '../results.ts';
import { AIMS } from './aims.ts';
import { cellText } from './cell.ts';
import { markdownTable } from './markdown.ts';
import { sections } from './tables.ts';

export interface ReportOf {
  readonly all: readonly Measured[];
  readonly command: string;
  readonly machine: Machine;
  /** YYYY-MM-DD. */
  readonly date: string;
  readonly commit: string;
  readonly notes: Readonly<Record<string, string>>;
}

export function learningReport({ all, command, machine, date, commit, notes }: ReportOf): string {
  const seconds = all.reduce((sum, measured) => sum + measured.seconds, 0);
  const judged = AIMS.map((aim) => ({ aim, cells: MARKETS.map((market) => aim.cell(all, market)) }));
  const missed = judged.filter(({ cells }) => cells.some(({ met }) => met === false));
  return `${[
    '# Learning, measured',
    [
      `Written by \`${command}\`; do not edit. The gap is (policy - rules) / (oracle - rules) in true expected utility, each policy on`,
      'its own copy of the world, from an empty state ([the war game](../../docs/operations/wargame.md)). A figure is the mean over',
      'the worlds, in brackets that of the worst world; an aim is held against the mean.',
    ].join('\n'),
    [
      `- Date: ${date}; commit ${commit}; ${all.length} jobs, ${Math.round(seconds / 60)} minutes of work, on two threads`,
      `- Machine: ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGb} GB; mean load meanwhile ${machine.load.toFixed(1)}`,
      `- ${machine.os}; Node ${machine.node}`,
    ].join('\n'),
    '## The aims',
    markdownTable(
      ['measure', 'best known', 'aim', ...MARKETS],
      judged.map(({ aim, cells }) => [aim.measure, aim.known, aim.aim, ...cells.map(cellText)]),
    ),
    ...(missed.length === 0
      ? []
      : [
          missed
            .map(({ aim, cells }) => {
              const where = MARKETS.flatMap((market, at) =>
                cells[at]?.met === false ? [`${market} ${cells[at].text}`] : [],
              );
              return `- **MISSED:** ${aim.measure}: ${where.join('; ')}; the aim is ${aim.aim}. ${notes[aim.id] ?? 'Nothing was tried for it yet.'}`;
            })
            .join('\n'),
        ]),
    ...sections(all),
  ].join('\n\n')}\n`;
}
