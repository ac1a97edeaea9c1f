/** A run for people, and for machines that read JUnit. Pure. */
import type { CheckResult, CheckStatus, Evidence } from '#shared/domain/probe.ts';
import type { RunReport } from '#shared/probes/run.ts';
import type { RunVerdict } from '#shared/probes/verdict.ts';
import { EXIT } from '../command.ts';

const SIGN: Readonly<Record<CheckStatus, string>> = { pass: '✓', fail: '✗', error: '?', skipped: '-' };

export const EXIT_OF: Readonly<Record<RunVerdict, number>> = {
  passed: EXIT.ok,
  degraded: EXIT.partial,
  failed: EXIT.failed,
  could_not_run: EXIT.unable,
};

const WORDS: Readonly<Record<RunVerdict, string>> = {
  passed: 'PASSED',
  degraded: 'DEGRADED',
  failed: 'FAILED',
  could_not_run: 'COULD NOT RUN',
};

/** By category: a line a check; below one that did not pass what was seen, and what to do. */
export function reportText({ suite, verdict, results, duration_ms }: RunReport): string {
  const categories = [...new Set(results.map(({ category }) => category))];
  const parts = categories.map((category) => {
    const of = results.filter((result) => result.category === category);
    const passed = of.filter(({ status }) => status === 'pass').length;
    return [`${category} (${passed} of ${of.length})`, ...of.flatMap(linesOf)].join('\n');
  });
  return [...parts, summaryLine(suite, verdict, results, duration_ms)].join('\n\n');
}

function linesOf({ check_id, status, latency_ms, evidence, remedy, maintenance, severity }: CheckResult): string[] {
  const took = latency_ms === null ? '' : `  ${latency_ms < 10 ? latency_ms.toFixed(1) : latency_ms.toFixed(0)} ms`;
  const remark = [
    ...(status !== 'pass' && severity === 'warning' ? ['warning'] : []),
    ...(maintenance === null ? [] : [`maintenance: ${maintenance}`]),
  ];
  const head = `  ${SIGN[status]} ${check_id}${took}${remark.length === 0 ? '' : `  (${remark.join('; ')})`}`;
  if (status === 'pass') return [head];
  const seen = `      ${evidenceText(evidence)}`;
  return remedy === null || status === 'skipped' ? [head, seen] : [head, seen, `      -> ${remedy}`];
}

const evidenceText = (evidence: Evidence): string =>
  Object.entries(evidence)
    .map(([field, value]) => `${field.replaceAll('_', ' ')}: ${value === null ? 'none' : value}`)
    .join(', ');

function summaryLine(suite: string, verdict: RunVerdict, results: readonly CheckResult[], ms: number): string {
  const counts = (['pass', 'fail', 'error', 'skipped'] as const).map((status) => {
    const count = results.filter((result) => result.status === status).length;
    return {
      count,
      word: { pass: 'passed', fail: 'failed', error: 'could not be looked at', skipped: 'skipped' }[status],
    };
  });
  const said = counts
    .filter(({ count, word }) => count > 0 || word === 'passed')
    .map(({ count, word }) => `${count} ${word}`);
  return `${WORDS[verdict]}: ${said.join(', ')} (suite ${suite}, ${(ms / 1000).toFixed(1)} s)`;
}

/** https://github.com/testmoapp/junitxml: one test suite, a test case a check. */
export function junitText({ suite, run_id, results, duration_ms, started_at }: RunReport): string {
  // What is in maintenance counts for nothing; of JUnit's words that is skipped.
  const counted = results.map((result) => ({
    ...result,
    status: result.maintenance === null || result.status === 'pass' ? result.status : ('skipped' as const),
  }));
  const count = (status: CheckStatus): number => counted.filter((result) => result.status === status).length;
  const attributes = (values: Readonly<Record<string, string | number>>): string =>
    Object.entries(values)
      .map(([name, value]) => ` ${name}="${escaped(String(value))}"`)
      .join('');
  const cases = counted.map(({ check_id, category, latency_ms, status, evidence, remedy, maintenance }) => {
    const open = `    <testcase${attributes({ name: check_id, classname: `${suite}.${category}`, time: ((latency_ms ?? 0) / 1000).toFixed(3) })}`;
    if (status === 'pass') return `${open}/>`;
    const message = `${maintenance === null ? '' : `maintenance: ${maintenance}; `}${evidenceText(evidence)}`;
    const inside =
      status === 'skipped'
        ? `<skipped${attributes({ message })}/>`
        : `<${status === 'fail' ? 'failure' : 'error'}${attributes({ message })}>${escaped(remedy ?? '')}</${status === 'fail' ? 'failure' : 'error'}>`;
    return `${open}>${inside}</testcase>`;
  });
  const totals = { tests: results.length, failures: count('fail'), errors: count('error'), skipped: count('skipped') };
  const time = (duration_ms / 1000).toFixed(3);
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites${attributes({ name: 'vm smoke', ...totals, time })}>`,
    `  <testsuite${attributes({ name: suite, id: run_id, timestamp: started_at, ...totals, time })}>`,
    ...cases,
    '  </testsuite>',
    '</testsuites>',
    '',
  ].join('\n');
}

/** Of XML 1.0, where most control characters may not stand in any form. */
const escaped = (text: string): string =>
  text
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is taken out
    .replaceAll(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\n', '&#10;');
