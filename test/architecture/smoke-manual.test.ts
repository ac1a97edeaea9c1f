/** docs/operations/SMOKE.md tells an operator every check that there is, and no other. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createFigures } from '#functions/probe/figures.ts';
import { CHECK_KINDS } from '#shared/probes/checks/index.ts';
import { parseSuite, type Suite } from '#shared/probes/suite.ts';
import { createMetrics } from '#shared/telemetry/metrics.ts';

const root = join(import.meta.dirname, '..', '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const manual = read('docs/operations/SMOKE.md');
const runbook = read('docs/operations/RUNBOOK.md');

/** What stands between a heading and the next of its rank or above. */
function section(heading: string): string {
  const from = manual.indexOf(`\n${heading}\n`);
  expect(from, heading).toBeGreaterThan(-1);
  const rank = heading.split(' ')[0] ?? '';
  const rest = manual.slice(from + heading.length + 1);
  const end = rest.search(new RegExp(`\n#{1,${rank.length}} `));
  return end === -1 ? rest : rest.slice(0, end);
}
const rowsOf = (text: string): readonly (readonly string[])[] =>
  [...text.matchAll(/^\| (.+) \|$/gm)].map(([, row = '']) => row.split(/ \| /).map((cell) => cell.trim()));
const namesIn = (cell = ''): readonly string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);

/** Filled in with something that every place takes. */
function suiteOf(file: string): Suite {
  const text = read(`shared/probes/suites/${file}`)
    .replaceAll(/"\$\{ingress_tls_port\}"/g, '443')
    .replaceAll(/"\$\{crl_\d\}",? ?/g, '')
    .replaceAll(/"\$\{namespace\}"/g, 'vaultmesh')
    .replaceAll(/"\$\{[^}]+\}"/g, '"http://127.0.0.1"');
  return parseSuite(text, file, { kinds: CHECK_KINDS, variables: {}, loopback: true });
}
const suites = readdirSync(join(root, 'shared/probes/suites')).map(suiteOf);

describe('SMOKE.md', () => {
  const kinds = section('## Every kind of check').split('\n### ')[0] ?? '';
  const rows = rowsOf(kinds).slice(1);

  test('has a row for each kind of check, with what it looks at, what a failure means and what to do', () => {
    expect(rows.map(([kind]) => namesIn(kind)[0]).sort()).toEqual(Object.keys(CHECK_KINDS).sort());
    for (const row of rows) {
      expect(row, row[0]).toHaveLength(4);
      for (const cell of row.slice(1)) expect(cell.length, `${row[0]}: ${cell}`).toBeGreaterThan(15);
    }
  });

  test('so each check of a suite has its row', () => {
    const told = new Set(rows.map(([kind]) => namesIn(kind)[0]));
    const untold = suites.flatMap(({ id, checks }) =>
      checks.filter(({ kind }) => !told.has(kind)).map((check) => `${id} ${check.id}`),
    );
    expect(suites.map(({ id }) => id).sort()).toEqual(['local', 'loop', 'production', 'scaling', 'staging']);
    expect(untold).toEqual([]);
  });

  test('tells what a suite says, and its example is one', () => {
    const given = section('## Write a suite');
    const [, example = ''] = /```yaml\n([\s\S]*?)```/.exec(given) ?? [];
    const variables = { domain: 'aurora.example', namespace: 'vaultmesh' };
    const suite = parseSuite(example, 'SMOKE.md', { kinds: CHECK_KINDS, variables, loopback: false });
    expect(suite.checks.map(({ id }) => id)).toEqual(['router-tls', 'router-health', 'router-pods']);
    const fields = rowsOf(given).flatMap(([field]) => namesIn(field));
    for (const text of ['suite', 'period_s', 'deadline_s', 'check_deadline_s', 'concurrency', 'confirm', 'alert'])
      expect(fields).toContain(text);
    for (const text of ['targets', 'maintenance', 'checks', 'id', 'kind', 'target', 'category', 'severity', 'needs'])
      expect(fields).toContain(text);
  });

  test('has each figure of the probes, and no other', async () => {
    const metrics = createMetrics();
    createFigures(metrics);
    const there = [...(await metrics.exposition()).matchAll(/^# HELP (aurora_probe_\w+)/gm)].map(([, name]) => name);
    expect(there.length).toBeGreaterThan(5);
    const told = rowsOf(section('## Figures')).flatMap(([cell]) => namesIn(cell).map((name) => name.split('{')[0]));
    expect(told.sort()).toEqual(there.sort());
  });

  test('leads to sections of the runbook that are there', () => {
    const anchors = new Set(
      [...runbook.matchAll(/^## (.+)$/gm)].map(([, title = '']) =>
        title
          .toLowerCase()
          .replaceAll(/[^a-z0-9 -]/g, '')
          .replaceAll(' ', '-'),
      ),
    );
    const links = [...manual.matchAll(/\(RUNBOOK\.md#([^)]+)\)/g)].map(([, anchor = '']) => anchor);
    expect(links.length).toBeGreaterThan(2);
    for (const link of links) expect(anchors, link).toContain(link);
  });
});

test('the live lines that are shown count the checks of the local suite', () => {
  const count = suites.find(({ id }) => id === 'local')?.checks.length;
  for (const text of [manual, read('README.md')])
    expect([...text.matchAll(/probes (\d+)\/(\d+) pass/g)].map(([, passed, all]) => [passed, all])).toEqual([
      [String(count), String(count)],
    ]);
});
