import { describe, expect, test } from 'vitest';
import { EXIT_OF, junitText, reportText } from '#cli/smoke/report.ts';
import type { CheckResult } from '#shared/domain/probe.ts';
import type { RunReport } from '#shared/probes/run.ts';
import { EVENT_SAMPLES } from '#test/support/events.ts';

const result = (given: Partial<CheckResult>): CheckResult => ({
  ...EVENT_SAMPLES['probe-result'],
  status: 'pass',
  remedy: null,
  evidence: {},
  ...given,
});

const REPORT: RunReport = {
  suite: 'local',
  run_id: 'local-7',
  started_at: '2026-01-01T00:00:00.000Z',
  duration_ms: 2_345,
  verdict: 'failed',
  results: [
    result({ check_id: 'router-health', latency_ms: 1.25 }),
    result({
      check_id: 'psi',
      status: 'fail',
      latency_ms: 120.4,
      evidence: { import_success: false, k: 7, stuck: null },
      remedy: 'Restart psi-field & look <again>.',
    }),
    result({
      check_id: 'pods',
      category: 'cluster',
      status: 'error',
      latency_ms: null,
      evidence: { code: 'cluster_unreachable' },
      remedy: 'Check the network.',
    }),
    result({
      check_id: 'nodes',
      category: 'cluster',
      status: 'skipped',
      latency_ms: null,
      evidence: { because: 'pods' },
      remedy: 'See to it.',
    }),
    result({
      check_id: 'slow',
      severity: 'warning',
      status: 'fail',
      latency_ms: 1500,
      maintenance: 'upgrade',
      evidence: { p95_ms: 1400 },
      remedy: 'Wait.',
    }),
  ],
};

test('a report by category, with what to do', () => {
  expect(reportText(REPORT)).toBe(`services (1 of 3)
  ✓ router-health  1.3 ms
  ✗ psi  120 ms
      import success: false, k: 7, stuck: none
      -> Restart psi-field & look <again>.
  ✗ slow  1500 ms  (warning; maintenance: upgrade)
      p95 ms: 1400
      -> Wait.

cluster (0 of 2)
  ? pods
      code: cluster_unreachable
      -> Check the network.
  - nodes
      because: pods

FAILED: 1 passed, 2 failed, 1 could not be looked at, 1 skipped (suite local, 2.3 s)`);
});

test('JUnit that a reader of XML takes, whatever was seen', () => {
  const odd = result({ check_id: 'odd', status: 'fail', evidence: { says: 'a "b" <c> \u0000 & \n' }, remedy: null });
  expect(
    junitText({ ...REPORT, results: [...REPORT.results.slice(0, 2), ...REPORT.results.slice(3, 4), odd] }),
  ).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="vm smoke" tests="4" failures="2" errors="0" skipped="1" time="2.345">
  <testsuite name="local" id="local-7" timestamp="2026-01-01T00:00:00.000Z" tests="4" failures="2" errors="0" skipped="1" time="2.345">
    <testcase name="router-health" classname="local.services" time="0.001"/>
    <testcase name="psi" classname="local.services" time="0.120"><failure message="import success: false, k: 7, stuck: none">Restart psi-field &amp; look &lt;again&gt;.</failure></testcase>
    <testcase name="nodes" classname="local.cluster" time="0.000"><skipped message="because: pods"/></testcase>
    <testcase name="odd" classname="local.services" time="0.002"><failure message="says: a &quot;b&quot; &lt;c&gt;  &amp; &#10;"></failure></testcase>
  </testsuite>
</testsuites>
`);
});

test("JUnit says of what is in maintenance that it was skipped: it fails nobody's build", () => {
  const text = junitText({ ...REPORT, verdict: 'passed', results: REPORT.results.slice(4) });
  expect(text).toContain('tests="1" failures="0" errors="0" skipped="1"');
  expect(text).toContain('<skipped message="maintenance: upgrade; p95 ms: 1400"/>');
});

describe('exit codes', () => {
  test('say what became of it', () => {
    expect(EXIT_OF).toEqual({ passed: 0, degraded: 1, failed: 2, could_not_run: 3 });
  });
});
