/** The learner on its own, and what the gate said of it, for people. */
import type { ShownLearner } from './ops/learner.ts';
import { table } from './table.ts';
import { nextLookWords } from './trials/words.ts';
import { reasonsAndChecks } from './verdict-words.ts';

export function learnerText({
  name,
  verdict,
  next_look: next,
  decisions_per_day: perDay,
  earlier,
}: ShownLearner): string {
  return [
    table([
      ['learner', `${name}, the fast learner on its own: it has no versions and learns on`],
      ...(verdict === null
        ? [['verdict', 'not judged yet']]
        : [
            ['verdict', verdict.verdict],
            ['judged', `${verdict.decided_at}, look ${verdict.sequence}`],
            ['record', `${count(verdict.ended)} attempts had ended`],
          ]),
      [
        'next look',
        next === null ? 'cannot be told, something is damaged: vm status' : nextLookWords(next, perDay ?? 0),
      ],
    ]),
    ...(verdict === null ? [] : [reasonsAndChecks(verdict)]),
    ...(earlier.length === 0 ? [] : [earlierTable(earlier)]),
  ].join('\n\n');
}

const earlierTable = (earlier: ShownLearner['earlier']): string =>
  table(
    earlier.map(({ sequence, decided_at, ended, verdict, reason }) => [sequence, decided_at, ended, verdict, reason]),
    ['LOOK', 'DECIDED', 'ENDED', 'VERDICT', 'FIRST REASON'],
  );

const count = (value: number): string => value.toLocaleString('en-US');
