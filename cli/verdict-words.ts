/** What the gate said, for people: the reasons, and what each check measured. */
import type { Verdict } from '#shared/registry/verdict.ts';
import { table } from './table.ts';

export const reasonsAndChecks = ({ reasons, checks }: Verdict): string =>
  [reasons.map((line) => `  - ${line}`).join('\n'), ...(checks.length === 0 ? [] : [checksTable(checks)])].join('\n\n');

function checksTable(checks: Verdict['checks']): string {
  const mark = (passed: boolean | null): string => (passed === null ? '?' : passed ? 'ok' : 'FAILED');
  const figure = (value: number | null): string => (value === null ? '-' : String(Number(value.toFixed(4))));
  return table(
    checks.map(({ name, passed, value, limit, note }) => [
      name,
      mark(passed),
      figure(value),
      figure(limit),
      // "start: ...": the name says it already.
      note.replace(/^\w+: /, ''),
    ]),
    ['CHECK', 'PASSED', 'VALUE', 'LIMIT', 'NOTE'],
  );
}
