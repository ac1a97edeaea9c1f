import { existsSync } from 'node:fs';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { COMMANDS } from '#cli/commands/index.ts';
import { ERROR_CATALOGUE } from '#shared/errors.ts';
import { testCases } from '#test/support/cases.ts';
import { anyText } from '#test/support/text.ts';
import { emptyState, run, runJson, SAMPLE_CSV, temporary } from './run.ts';

const NAMES = COMMANDS.map(({ name }) => name);

describe('vm', () => {
  it('names every command, with what it does', async () => {
    for (const words of [[], ['--help'], ['help']]) {
      const { code, out } = await run(...words);
      expect(code).toBe(0);
      for (const { name, summary } of COMMANDS) expect(out).toMatch(new RegExp(`^  vm ${name} +${summary}$`, 'm'));
    }
  });

  it('says its version, and takes no short form of that', async () => {
    const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
    expect(await run('--version')).toEqual({ code: 0, out: `${version}\n`, err: '' });
    expect(await runJson('--version')).toEqual({ code: 0, value: { version } });
    expect(await run('-V')).not.toMatchObject({ out: `${version}\n` });
  });

  it.each(['models', 'dlq', 'rejected'])('names the commands of %s', async (group) => {
    const { code, out } = await run(group, '--help');
    expect(code).toBe(0);
    for (const name of NAMES) expect(out.includes(`vm ${name} `), name).toBe(name.startsWith(group));
  });

  it.each(NAMES)('explains %s: every option, with examples', async (name) => {
    const command = COMMANDS.find((one) => one.name === name);
    const { code, out, err } = await run(...name.split(' '), '--help');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain(`Usage: vm ${name} `);
    for (const option of [...Object.keys(command?.options ?? {}), 'dir', 'json'])
      expect(out).toMatch(new RegExp(`^  --${option}\\b.* {2}\\S`, 'm'));
    expect(command?.examples.length).toBeGreaterThan(0);
    expect(out).toContain(`\n  vm ${name} `.trimEnd());
    for (const example of command?.examples ?? []) expect(out).toContain(`\n  ${example}\n`);
  });

  it.each<[string[], RegExp]>([
    [['fly'], /no command "fly"/],
    [['models', 'fly'], /no command "models fly"/],
    [['status', 'now'], /usage: vm status/],
    [['status', '--fast'], /Unknown option '--fast'.*vm status --help/],
    [['models', 'show'], /usage: vm models show VERSION/],
    [['models', 'history', 'hero'], /expected champion or apprentice, got "hero"/],
    [['dlq', 'list', '--limit', '0'], /--limit takes a whole number from 1 to 1000, got "0"/],
    [['dlq', 'replay'], /ids of dead letters, or --all/],
    [['train', '--seed', 'x'], /--seed takes a whole number/],
    [['up', '--speed', 'fast'], /--speed takes a number from 1 to 100000, got "fast"/],
    [['up', '--port', '70000'], /--port takes a whole number/],
    [['reset'], /deletes all state in .*; say --yes/],
    [['status', '--dir', ''], /--dir takes a directory/],
  ])('%j is wrong usage: 64, what was expected, and where to look', async (words, message) => {
    const text = await run(...words);
    expect(text).toMatchObject({ code: 64, out: '' });
    expect(text.err).toMatch(message);
    expect(text.err).toMatch(/\n {4}usage: See vm --help\.\n$/);
    const { code, value } = await runJson(...words);
    expect(code).toBe(64);
    expect(value).toEqual({
      error: { code: 'usage', message: expect.stringMatching(message), remedy: ERROR_CATALOGUE.usage.remedy },
    });
  });

  it('says what is wrong with a directory, a market or a variable, and leaves nothing behind', async () => {
    const directory = await temporary();
    const file = join(directory, 'file');
    await writeFile(file, '');
    for (const words of [
      ['status', '--dir', file],
      ['up', '--dir', file],
      ['up', '--dir', join(file, 'deeper')],
      ['replay', SAMPLE_CSV, '--dir', join(file, 'deeper')],
      ['up', '--market', 'nowhere', '--dir', join(directory, 'new')],
      ['up', '--scenario', 'nowhere', '--dir', join(directory, 'new')],
      ['up', '--scenario', 'storm', '--market', 'second', '--dir', join(directory, 'new')],
    ]) {
      const { code, err } = await run(...words);
      expect(code, words.join(' ')).toBe(2);
      expect(err).toMatch(/^vm: .*\n {4}config_invalid: .*\n$/);
    }
    vi.stubEnv('AURORA_SPED', '1');
    onTestFinished(() => void vi.unstubAllEnvs());
    expect((await run('up', '--dir', join(directory, 'new'))).err).toMatch(/^vm: AURORA_SPED is not a variable/);
    expect(await readdir(directory)).toEqual(['file']);
  });

  // Node's own recursive mkdir never returns there.
  it.runIf(existsSync('/proc/self'))('says at once that a directory cannot be made', async () => {
    for (const directory of ['/proc/aurora', '/proc/aurora/state', '/proc'])
      for (const words of [
        ['up', '--port', '0'],
        ['replay', SAMPLE_CSV],
      ]) {
        const { code, err } = await run(...words, '--dir', directory);
        expect(code, words.join(' ')).toBe(2);
        expect(err).toMatch(
          /^vm: \/proc\S* cannot (be a directory for|hold) state: ENOENT.*\n {4}config_invalid: .*\n$/,
        );
      }
    const directory = await temporary();
    await emptyState(directory);
    expect((await run('backup', '/proc/aurora', '--dir', directory)).err).toContain('config_invalid: ');
  });

  it('answers any words with an exit code and a coded message', { timeout: 120_000 }, async () => {
    // Nothing can be opened there, so that whatever the words ask for ends at once.
    const directory = await temporary();
    const file = join(directory, 'file');
    await writeFile(file, '');
    vi.stubEnv('AURORA_DIR', join(file, 'state'));
    onTestFinished(() => void vi.unstubAllEnvs());
    const options = [...new Set(COMMANDS.flatMap(({ options: of }) => Object.keys(of)))];
    const word = fc.oneof(
      fc.constantFrom(...NAMES.flatMap((name) => name.split(' '))),
      fc.constantFrom(...options.map((option) => `--${option}`), '--json', '-h', '--', '-', '--no-json', '--x=1'),
      fc.constantFrom('0', '1', '20/s', '-1', '1e999', 'NaN', 'default', 'second', '2026-01-01T00:00:00Z', ''),
      anyText({ maxLength: 12 }),
    );
    const words = fc
      .tuple(fc.option(fc.constantFrom(...NAMES), { nil: undefined }), fc.array(word, { maxLength: 6 }))
      .map(([name, rest]) => [...(name?.split(' ') ?? []), ...rest])
      // It would wait for lines of this process's own stdin, which never ends.
      .map((argv) => (argv[0] === 'agent' ? argv.filter((given) => given !== '--stdio') : argv))
      // It opens nothing: without a config that cannot be read it would play for minutes.
      .map((argv) => (argv[0] === 'wargame' ? [...argv, '--config', join(file, 'game.json')] : argv));
    await fc.assert(
      fc.asyncProperty(words, async (argv) => {
        const { code, out, err } = await run(...argv);
        // 3: vm smoke, where nothing can be looked at.
        expect([0, 1, 2, 3, 64]).toContain(code);
        expect(err).not.toMatch(/^ +at .*:\d+/m);
        if (code === 0) return;
        const said = argv.includes('--json') ? JSON.parse(out).error.code : /\n {4}([a-z_]+): .+\n$/.exec(err)?.[1];
        expect(Object.keys(ERROR_CATALOGUE)).toContain(said);
        expect(said).not.toBe('internal');
      }),
      { timeout: 30_000, numRuns: testCases },
    );
    expect(await readdir(directory)).toEqual(['file']);
  });
});
