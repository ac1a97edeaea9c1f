import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { RECORD_COLUMNS } from '#cli/replay/record.ts';
import { runsDear } from '#test/support/dear.ts';
import { startVm } from '#test/system/vm-process.ts';
import { aFewRows, FEW, run, runJson, SAMPLE_CSV, SAMPLE_WORDS, temporary, untilQuiet } from './run.ts';

interface Report {
  rows: number;
  decisions: number;
  outcomes: number;
  already_there: number;
  bad_total: number;
  bad: { line: number; message: string }[];
}

/** As soon as nothing waits: a replay ends when all is on record, and some of it may still be to be learnt. */
const statusOf = async (directory: string) => {
  const { world_time: _moves, ...rest } = await untilQuiet(directory);
  return rest;
};

describe('vm replay', () => {
  it('brings every line in once: repeated lines, lines without a provider, CRLF', async () => {
    const directory = await temporary();
    const first = await runJson<Report>(...SAMPLE_WORDS, '--dir', directory);
    expect(first).toEqual({
      code: 0,
      value: { rows: 78, decisions: 78, outcomes: 75, already_there: 0, bad_total: 0, bad: [] },
    });
    const after = await statusOf(directory);
    expect(after).toMatchObject({
      decisions: { accepted: 78, distinct: 78 },
      outcomes: { accepted: 75, distinct: 75 },
      rejected: 0,
      dead_letters: 0,
      backlog: 0,
    });

    const second = await run(...SAMPLE_WORDS, '--dir', directory);
    expect(second).toMatchObject({ code: 0 });
    expect(second.out).toBe('78 rows: 0 decisions and 0 outcomes sent, 153 events were there already\n');
    expect(await statusOf(directory)).toEqual(after);
  });

  it('takes a bare date for its midnight in UTC', async () => {
    const directory = await temporary();
    const path = await aFewRows(directory);
    const replay = ['replay', path, '--dir', join(directory, 'state'), '--start'];
    await run(...replay, '2026-03-01');
    const again = await runJson<Report>(...replay, '2026-03-01T00:00:00Z');
    expect(again.value).toMatchObject({ decisions: 0, outcomes: 0, already_there: 2 * FEW });
  });

  it('takes another --start for another record', async () => {
    const directory = await temporary();
    const path = await aFewRows(directory);
    const state = join(directory, 'state');
    await run('replay', path, '--dir', state);
    const { value } = await runJson<Report>('replay', path, '--start', '2026-03-01T00:00:00+01:00', '--dir', state);
    expect(value).toMatchObject({ decisions: FEW, already_there: 0 });
    expect(await statusOf(state)).toMatchObject({ decisions: { accepted: 2 * FEW, distinct: 2 * FEW } });
  });

  it.each(['1970-01-01T00:00:00Z', '2999-12-31T23:59:59.999Z'])(
    'takes the last line of a record that starts in %s',
    async (start) => {
      const directory = await temporary();
      const path = join(directory, 'last.csv');
      await writeFile(path, `${RECORD_COLUMNS.join(',')}\n10000000,lab,llm_training,H100,1e6,ionet,1,3.3,310.0,ok\n`);
      const state = join(directory, 'state');
      expect(await run('replay', path, '--start', start, '--dir', state)).toMatchObject({ code: 0 });
      expect(await statusOf(state)).toMatchObject({ decisions: { distinct: 1 }, outcomes: { distinct: 1 } });
    },
  );

  it('names bad lines by number, brings the rest in and says so by its exit code', async () => {
    const directory = await temporary();
    const lines = (await readFile(SAMPLE_CSV, 'utf8')).split('\r\n');
    const bad: [number, string, RegExp][] = [
      [3, '0,lab,llm_training,H100,-1,ionet,1,3.3,310.0,ok', /gpu_hours/],
      [5, '0,lab,llm_training,H100,1,ionet,1,3.3', /expected 10 fields, got 8/],
      [8, '0,lab,llm_training,H100,1,ionet,1,0.0,310.0,ok', /accepted row needs/],
      [9, '1,"lab,llm_training,H100,1,ionet,1,3.3,310.0,ok', /^a quote is not closed within the line/],
      [20, '1,lab,llm_training,H100,NaN,ionet,1,3.3,310.0,ok', /gpu_hours/],
      [21, '10000001,lab,llm_training,H100,1e6,ionet,1,3.3,310.0,ok', /step/],
      [40, `1,${'x'.repeat(70_000)},llm_training,H100,1,ionet,1,3.3,310.0,ok`, /longer than 65536 bytes/],
      [79, '1,__proto__,llm_training,H100,1,ionet,1,3.3,310.0,ok', /tenant_id/],
    ];
    for (const [line, text] of bad) lines.splice(line - 1, 0, text);
    const path = join(directory, 'with-bad-lines.csv');
    await writeFile(path, lines.join('\r\n'));
    const state = join(directory, 'state');
    const { code, value } = await runJson<Report>('replay', path, '--dir', state);
    expect(code).toBe(1);
    expect(value).toMatchObject({ rows: 86, decisions: 78, outcomes: 75, bad_total: 8 });
    expect(value.bad.map(({ line }) => line)).toEqual(bad.map(([line]) => line));
    for (const [index, [, , why]] of bad.entries()) expect(value.bad[index]?.message).toMatch(why);

    const text = await run('replay', path, '--dir', state);
    expect(text.code).toBe(1);
    expect(text.out).toMatch(/^86 rows: .*\nline 3: gpu_hours: /);
  });

  it('refuses what it cannot read, in plain words, before anything goes in', async () => {
    const at = await temporary();
    const [other, empty, shape, metrics] = ['other.csv', 'empty.csv', 'shape.json', 'metrics.csv'].map((name) =>
      join(at, name),
    ) as [string, string, string, string];
    const twice = join(at, 'twice.csv');
    await writeFile(other, 'a,b\n1,2\n');
    await writeFile(twice, `${RECORD_COLUMNS.join(',')},step\n`);
    await writeFile(empty, '');
    await writeFile(shape, '{"tenants":[{"id":1}]}');
    await writeFile(
      metrics,
      'step,provider_id,active,effective_capacity,latency_ms,price_A100,reputation\n0,akash,2,1,1,1,1\n',
    );
    const state = join(at, 'state');
    const cases: [readonly string[], number, string, RegExp][] = [
      ...[[], [SAMPLE_CSV, '--providers'], [SAMPLE_CSV, '--tenants'], [SAMPLE_CSV, '--metrics']].flatMap(
        (words): typeof cases => [
          [[...words, join(at, 'none')], 2, 'file_unreadable', /^[^ ]+none cannot be read: ENOENT, no such file[^/]+$/],
          [[...words, at], 2, 'file_unreadable', /^[^ ]+ cannot be read: EISDIR, [^/]+$/],
        ],
      ),
      [[twice], 2, 'csv_invalid', /the header has "step" twice$/],
      [[other], 2, 'csv_invalid', /the header lacks step, tenant_id/],
      [[empty], 2, 'csv_invalid', /is empty; expected a header/],
      [[SAMPLE_CSV, '--providers', other], 2, 'file_invalid', /JSON/],
      [[SAMPLE_CSV, '--tenants', shape], 2, 'file_invalid', /tenants\.0\.id: /],
      [[SAMPLE_CSV, '--metrics', metrics], 2, 'csv_invalid', /line 2: active: /],
      ...[
        'yesterday',
        '',
        '2026-02-30T00:00:00Z',
        '1969-12-31T23:59:59Z',
        '1970-01-01T00:30:00+01:00',
        '3000-01-01T00:00:00Z',
        '+275760-09-13T00:00:00Z',
        '10000-01-01T00:00:00Z',
      ].map((start): (typeof cases)[number] => [
        [SAMPLE_CSV, '--start', start],
        64,
        'usage',
        new RegExp(`RFC 3339 instant of the years 1970 to 2999, .*, got "${start.replace('+', '\\+')}"`),
      ]),
    ];
    for (const [words, code, error, message] of cases)
      expect(await runJson('replay', ...words, '--dir', state), words.join(' ')).toMatchObject({
        code,
        value: { error: { code: error, message: expect.stringMatching(message), remedy: expect.any(String) } },
      });
    expect((await runJson('status', '--dir', state)).value).toMatchObject({ error: { code: 'no_state' } });
  });

  it.skipIf(!runsDear)('killed in the middle and run again, ends the same', { timeout: 60_000 }, async () => {
    const directory = await temporary();
    const [header = '', ...rows] = (await readFile(SAMPLE_CSV, 'utf8')).trimEnd().split('\r\n');
    const path = join(directory, 'long.csv');
    const repeated = Array.from({ length: 2 }, () => rows).flat();
    await writeFile(path, [header, ...repeated].join('\n'));
    const state = join(directory, 'state');
    const killed = startVm(['replay', path, '--dir', state]);
    try {
      await killed.note('100 rows');
    } finally {
      await killed.kill();
    }
    expect(await run('replay', path, '--dir', state)).toMatchObject({ code: 0 });
    expect(await statusOf(state)).toMatchObject({
      decisions: { distinct: 156 },
      outcomes: { distinct: 150 },
      rejected: 0,
      dead_letters: 0,
      backlog: 0,
    });
  });
});
