import { RejectedError } from '#shared/errors.ts';
import { ESTIMATORS } from '#shared/learning/off-policy/estimators.ts';
import { type Evaluation, evaluate } from '#shared/learning/off-policy/evaluate.ts';
import { type Command, EXIT } from '../command.ts';
import { type Log, type LogRow, readLog } from '../ope/read-log.ts';
import { table } from '../table.ts';
import { countOption, numberOption } from './options.ts';

/** Segments and loggers told one by one, largest first. */
const GROUPS_LISTED = 50;
const MAX_RESAMPLES = 100_000;

interface Report extends Evaluation {
  readonly loggers: Readonly<Record<string, number>>;
  readonly segments: Readonly<Record<string, Evaluation>>;
  readonly refused: Log['refused'];
  readonly refused_total: number;
}

export const opeCommand: Command = {
  name: 'ope',
  summary: 'what another policy would have earned, from a log with propensities',
  usage: '--log FILE.jsonl [options]',
  options: {
    log: { type: 'string' },
    clip: { type: 'string' },
    seed: { type: 'string', default: '1' },
    resamples: { type: 'string', default: '1000' },
  },
  help: {
    log: 'JSON lines {reward, propensity, target_probability, q_logged?, v_target?, logger?, segment?}',
    clip: 'largest importance weight (default: none): less variance for some bias',
    seed: 'of the bootstrap (default 1); the same log and seed give the same answer',
    resamples: 'of the bootstrap (default 1000)',
  },
  examples: [
    'vm ope --log decisions.jsonl',
    'vm ope --log decisions.jsonl --clip 20 --json',
    "q_logged: a model's value of the logged action; v_target: its expected value under the target policy (for dm, dr, switch_dr)",
  ],
  positionals: { min: 0, max: 0 },
  async run({ values, json, print, note }) {
    const path = values['log'];
    if (typeof path !== 'string' || path === '') throw new RejectedError('usage', '--log takes a file of JSON lines');
    const options = {
      seed: numberOption(values, 'seed', { min: 0, max: Number.MAX_SAFE_INTEGER, whole: true }),
      resamples: countOption(values, 'resamples', MAX_RESAMPLES),
      ...(values['clip'] === undefined
        ? {}
        : { clip: numberOption(values, 'clip', { min: 0, max: Number.MAX_VALUE }) }),
    };
    const log = await readLog(path, (lines) => note(`${lines.toLocaleString('en')} lines read`));
    if (log.rows.length === 0)
      throw new RejectedError('log_invalid', `${path}: no line can be evaluated${firstRefusal(log)}`);
    const report: Report = {
      ...evaluate(log.rows, options),
      loggers: countsBy(log.rows, (row) => row.logger),
      segments: Object.fromEntries(
        [...groupsBy(log.rows, (row) => row.segment)].map(([segment, rows]) => [segment, evaluate(rows, options)]),
      ),
      refused: log.refused,
      refused_total: log.refusedTotal,
    };
    if (json) print(JSON.stringify(report));
    else printReport(report, print);
    return report.refused_total === 0 ? EXIT.ok : EXIT.partial;
  },
};

const firstRefusal = ({ refused }: Log): string =>
  refused[0] === undefined ? '' : `; line ${refused[0].line}: ${refused[0].message}`;

function groupsBy(rows: readonly LogRow[], key: (row: LogRow) => string | null): Map<string, LogRow[]> {
  const groups = new Map<string, LogRow[]>();
  for (const row of rows) {
    const name = key(row);
    if (name === null) continue;
    const group = groups.get(name);
    if (group === undefined) groups.set(name, [row]);
    else group.push(row);
  }
  return new Map([...groups].sort(([, a], [, b]) => b.length - a.length).slice(0, GROUPS_LISTED));
}

const countsBy = (rows: readonly LogRow[], key: (row: LogRow) => string | null): Record<string, number> =>
  Object.fromEntries([...groupsBy(rows, key)].map(([name, group]) => [name, group.length]));

function printReport(report: Report, print: (text: string) => void): void {
  print(
    `${report.n} decisions; effective sample size ${report.ess.toFixed(0)}; largest weight ${report.max_weight.toFixed(2)}`,
  );
  print(
    table(
      ESTIMATORS.map((name) => {
        const interval = report.estimators[name];
        return interval === null
          ? [name, '-', 'needs q_logged and v_target on every line']
          : [name, interval.value.toFixed(4), `${interval.low.toFixed(4)} .. ${interval.high.toFixed(4)}`];
      }),
      ['estimator', 'value', '95 % interval'],
    ),
  );
  for (const [segment, { n, estimators, ess }] of Object.entries(report.segments)) {
    const best = estimators.dr ?? estimators.snips;
    const told = best === null ? '-' : `${best.value.toFixed(4)} (${best.low.toFixed(4)} .. ${best.high.toFixed(4)})`;
    print(
      `segment ${segment}: ${n} decisions, effective ${ess.toFixed(0)}, ${estimators.dr === null ? 'snips' : 'dr'} ${told}`,
    );
  }
  for (const { line, message } of report.refused) print(`line ${line}: ${message}`);
  if (report.refused_total > report.refused.length)
    print(`and ${report.refused_total - report.refused.length} more lines refused`);
}
