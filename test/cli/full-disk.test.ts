import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { RECORD_COLUMNS } from '#cli/replay/record.ts';
import { testCases } from '#test/support/cases.ts';
import { temporary } from './run.ts';

/** A mount that nobody else sees and that goes with its process; not every machine lets one have that. */
const UNSHARE = ['-rm', '--'];
const mayMount = (): boolean => spawnSync('unshare', [...UNSHARE, 'mount', '-t', 'tmpfs', 'none', '/mnt']).status === 0;

/** A dozen commands on a dozen disks: for `npm run test:deep`. */
const deep = testCases > 1_000;

test.skipIf(!deep || !mayMount())(
  'on a full disk vm says disk_full, once, whichever file meets it first',
  {
    timeout: 120_000,
  },
  async () => {
    const directory = await temporary();
    const [disk, record] = [join(directory, 'disk'), join(directory, 'record.csv')];
    await mkdir(disk);
    await writeFile(record, `${RECORD_COLUMNS.join(',')}\n`);
    const script = join(import.meta.dirname, 'full-disk.sh');
    const { stdout, stderr, status } = spawnSync(
      'unshare',
      [...UNSHARE, 'sh', script, disk, record, join(directory, 'elsewhere')],
      {
        encoding: 'utf8',
        env: { ...process.env, PATH: `${dirname(process.execPath)}:${process.env['PATH']}` },
      },
    );
    expect(status, stderr).toBe(0);
    const answers = stdout.split(/^== /m).slice(1);
    const backups = answers.splice(-3);
    for (const answer of backups) expect(answer).toMatch(/^backup into .*\n.*\n +disk_full: .*\nexit 2\n/);
    const again = answers.pop();
    expect(again).toMatch(/^room again\nworld time /);
    const refused = answers.filter((answer) => answer.includes('exit 2'));
    expect(refused.length).toBeGreaterThan(2);
    for (const answer of refused) {
      expect(answer.match(/disk_full: /g), answer).toHaveLength(1);
      expect(answer).not.toMatch(/unavailable|I\/O error/);
    }
    for (const store of ['.index.sqlite', 'bus.sqlite', 'state.sqlite'])
      expect(
        refused.some((answer) => answer.includes(store)),
        store,
      ).toBe(true);
  },
);
