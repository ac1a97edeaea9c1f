import fc from 'fast-check';
import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import { describe, expect, test } from 'vitest';
import { moved, type Parsed, parseExposition, type Sample, samplesOf } from '#shared/probes/exposition.ts';
import { testCases } from '#test/support/cases.ts';

const read = (text: string) => {
  const parsed = parseExposition(text);
  if ('fault' in parsed) throw new Error(parsed.fault);
  return parsed;
};
const sample = (value: number, labels: Sample['labels'] = {}): Sample => ({
  name: 'a',
  labels,
  value,
  timestampMs: null,
});

describe('reading', () => {
  test('the example of the format, every line of it', () => {
    const { samples, types } = read(
      [
        '# HELP http_requests_total The total number of HTTP requests.',
        '# TYPE http_requests_total counter',
        'http_requests_total{method="post",code="200"} 1027 1395066363000',
        'http_requests_total{method="post",code="400"}    3 1395066363000',
        '',
        '# Escaping in label values:',
        String.raw`msdos_file_access_time_seconds{path="C:\\DIR\\FILE.TXT",error="Cannot find file:\n\"FILE.TXT\""} 1.458255915e9`,
        '',
        'metric_without_timestamp_and_labels 12.47',
        'something_weird{problem="division by zero"} +Inf -3982045',
        '# TYPE http_request_duration_seconds histogram',
        'http_request_duration_seconds_bucket{le="+Inf"} 144320',
      ].join('\n'),
    );
    expect([...types]).toEqual([
      ['http_requests_total', 'counter'],
      ['http_request_duration_seconds', 'histogram'],
    ]);
    expect(samples.map(({ name, labels, value, timestampMs }) => [name, { ...labels }, value, timestampMs])).toEqual([
      ['http_requests_total', { method: 'post', code: '200' }, 1027, 1395066363000],
      ['http_requests_total', { method: 'post', code: '400' }, 3, 1395066363000],
      [
        'msdos_file_access_time_seconds',
        { path: 'C:\\DIR\\FILE.TXT', error: 'Cannot find file:\n"FILE.TXT"' },
        1.458255915e9,
        null,
      ],
      ['metric_without_timestamp_and_labels', {}, 12.47, null],
      ['something_weird', { problem: 'division by zero' }, Infinity, -3982045],
      ['http_request_duration_seconds_bucket', { le: '+Inf' }, 144320, null],
    ]);
  });

  test.each<[string, string, number, Readonly<Record<string, string>>, number | null]>([
    ['no value that is a number', 'a NaN', Number.NaN, {}, null],
    ['as prom-client writes it', 'a Nan', Number.NaN, {}, null],
    ['less than all', 'a -Inf', -Infinity, {}, null],
    ['spaces and tabs', ' a\t{ b = "c" , }\t-1.5e-3 ', -0.0015, { b: 'c' }, null],
    ['no labels in braces', 'a{} 1', 1, {}, null],
    ['the end of a line of Windows', 'a 1\r', 1, {}, null],
    ['braces and hashes in a label', 'a{b="}# {",c=","} 1', 1, { b: '}# {', c: ',' }, null],
    ['a label called __proto__', 'a{__proto__="x"} 1', 1, Object.fromEntries([['__proto__', 'x']]), null],
    ['an exemplar', 'a{le="1"} 5 # {trace_id="ab"} 0.67 1520879607.789', 5, { le: '1' }, null],
    ['a timestamp and an exemplar', 'a 5 123 # {trace_id="ab"} 0.67', 5, {}, 123],
    ['seconds of OpenMetrics', 'a 5 1520879607.5\n# EOF\n', 5, {}, 1520879607500],
  ])('%s', (_, text, value, labels, timestampMs) => {
    const { samples } = read(text);
    expect(samples).toHaveLength(1);
    expect(samples[0]).toMatchObject({ name: 'a', value, timestampMs });
    expect(Object.entries(samples[0]?.labels ?? {})).toEqual(Object.entries(labels));
  });

  test.each<[string, string, string]>([
    ['a page', '<html>', 'line 1: expected the name of a series'],
    ['JSON', 'a 1\n{"a":1}', 'line 2: expected the name of a series'],
    ['no value', 'a', 'line 1: expected a value of a'],
    ['a word for a value', 'a b', 'line 1: expected a value of a'],
    ['a number of another base', 'a 0x10', 'line 1: expected a value of a'],
    ['a label without quotes', 'a{b=c} 1', 'line 1: expected labels, such as a{name="value"}'],
    ['a label that does not end', 'a{b="c} 1', 'line 1: expected labels, such as a{name="value"}'],
    ['labels without a comma', 'a{b="c"d="e"} 1', 'line 1: expected labels, such as a{name="value"}'],
    ['a label twice', 'a{b="c",b="d"} 1', 'line 1: label b is there twice'],
    ['more than there is', 'a 1 2 3', 'line 1: expected a value of a'],
    ['a timestamp that is none', 'a 1 1-1', 'line 1: expected a timestamp of a'],
    ['a line without measure', `a${'b'.repeat(20_000)} 1`, 'line 1: expected at most 16384 characters'],
    ['samples without measure', 'a 1\n'.repeat(50_001), 'line 50001: expected at most 50000 samples'],
  ])('%s is none', (_, text, fault) => {
    expect(parseExposition(text)).toEqual({ fault });
  });

  test('nothing is nothing', () => {
    expect(read('').samples).toEqual([]);
    expect(read('\n# just a word\n').samples).toEqual([]);
  });

  test('whatever text comes, it ends with samples or a fault', () => {
    const near = fc.string({ unit: fc.constantFrom(...'ab{}="\\,#\n 1.eNaIf+-'), maxLength: 60 });
    fc.assert(
      fc.property(fc.oneof(near, fc.string()), (text) => {
        const parsed: Parsed = parseExposition(text);
        expect('fault' in parsed || parsed.samples.every(({ value }) => typeof value === 'number')).toBe(true);
      }),
      { numRuns: testCases },
    );
  });
});

test('what prom-client writes is read back', async () => {
  const text = fc.string({ unit: fc.oneof(fc.constantFrom('\\', '"', '\n', '{', '}', ',', '#', ' '), fc.string()) });
  const value = fc.oneof(fc.double(), fc.integer(), fc.constantFrom(Infinity, -Infinity, Number.NaN));
  const rows = fc.uniqueArray(fc.record({ one: text, other: text, value }), {
    maxLength: 8,
    selector: ({ one, other }) => JSON.stringify([one, other]),
  });
  await fc.assert(
    fc.asyncProperty(rows, text, async (given, help) => {
      const registry = new Registry();
      const registers = [registry];
      const gauge = new Gauge({ name: 'aurora_g', help: `g ${help}`, labelNames: ['one', 'other'], registers });
      const counter = new Counter({ name: 'aurora_c_total', help: 'c', labelNames: ['one'], registers });
      const histogram = new Histogram({ name: 'aurora_h', help: 'h', labelNames: ['one'], buckets: [1, 2], registers });
      for (const { one, other, value: to } of given) {
        gauge.set({ one, other }, to);
        counter.inc({ one }, 1);
        histogram.observe({ one }, 1.5);
      }
      const parsed = read(await registry.metrics());
      const got = samplesOf(parsed, 'aurora_g').map(({ labels, value: is }) => [labels['one'], labels['other'], is]);
      // Minus zero is written as zero.
      expect(got).toEqual(given.map(({ one, other, value: is }) => [one, other, is === 0 ? 0 : is]));
      const ones = new Set(given.map(({ one }) => one));
      for (const one of ones) {
        const times = given.filter((row) => row.one === one).length;
        const only = (name: string, labels = {}): unknown[] =>
          samplesOf(parsed, name, { one, ...labels }).map(({ value: is }) => is);
        expect(only('aurora_c_total')).toEqual([times]);
        expect(only('aurora_h_bucket', { le: '1' })).toEqual([0]);
        expect(only('aurora_h_bucket', { le: '+Inf' })).toEqual([times]);
        expect(only('aurora_h_sum')).toEqual([1.5 * times]);
      }
      expect(parsed.types.get('aurora_h')).toBe('histogram');
    }),
    { numRuns: Math.ceil(testCases / 5) },
  );
});

describe('between two scrapes', () => {
  test.each<[string, Sample[], Sample[], boolean]>([
    ['nothing moves', [sample(1)], [sample(1)], false],
    ['one goes up', [sample(1, { b: 'c' }), sample(5)], [sample(2, { b: 'c' }), sample(5)], true],
    ['one goes down, as after a restart', [sample(7)], [sample(0)], true],
    ['one is new', [sample(1)], [sample(1), sample(0, { b: 'c' })], true],
    ['the order is another', [sample(1, { b: 'c', d: 'e' })], [sample(1, { d: 'e', b: 'c' })], false],
    ['one is gone', [sample(1), sample(2, { b: 'c' })], [sample(1)], false],
    ['no number stays none', [sample(Number.NaN)], [sample(Number.NaN)], false],
  ])('%s', (_, before, after, expected) => {
    expect(moved(before, after)).toBe(expected);
  });

  test('samples are found by labels that they have, and by no others', () => {
    const parsed = read('a{b="1",c="2"} 1\na{b="1"} 2\na 3\nab{b="1"} 4\n');
    const found = (labels: Record<string, string>) => samplesOf(parsed, 'a', labels).map(({ value }) => value);
    expect(found({})).toEqual([1, 2, 3]);
    expect(found({ b: '1' })).toEqual([1, 2]);
    expect(found({ c: '2', b: '1' })).toEqual([1]);
    expect(found({ toString: 'x' })).toEqual([]);
  });
});
