import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { type Reach, reachesIn } from './reach.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Where each may be taken from the machine. Everybody else is handed it: a typed config, a clock, a seeded generator. */
const ALLOWED: Readonly<Record<Reach, readonly RegExp[]>> = {
  // The start of the image chooses whose configuration is read at all.
  environment: [/^shared\/config\.ts$/, /^cli\/dev\/image\/start\.ts$/],
  time: [/^shared\/adapters\/clock\/host\.ts$/, /^cli\//, /^functions\/([^/]+\/index|serve-function)\.ts$/],
  randomness: [/^cli\//, /^functions\/([^/]+\/index|serve-function)\.ts$/],
};

describe('what code takes from the machine', () => {
  const files = globSync('{functions,shared,sim,cli}/**/*.{ts,mjs}', { cwd: ROOT });

  test('the environment, the time and randomness come in by the appointed doors only', () => {
    expect(files).toContain('shared/config.ts');
    const breaches = files.flatMap((file) =>
      reachesIn(readFileSync(`${ROOT}${file}`, 'utf8'))
        .filter(({ reach }) => !ALLOWED[reach].some((allowed) => allowed.test(file)))
        .map(({ reach, line, text }) => `${reach}: ${file}:${line} ${text}`),
    );
    expect(breaches).toEqual([]);
  });

  test.each<[string, readonly Reach[]]>([
    ['const port = process.env.PORT;', ['environment']],
    ["const port = process['env']['PORT'];", ['environment']],
    ['const { env } = process;', ['environment']],
    ['const { env: e, argv } = process;', ['environment']],
    ["import { env } from 'node:process';", ['environment']],
    ['globalThis.process.env', ['environment']],
    ['const t = Date.now();', ['time']],
    ['const clock = { now: Date.now };', ['time']],
    ["const t = Date['now']();", ['time']],
    ['const { now } = Date;', ['time']],
    ['const t = new Date();', ['time']],
    ['const t = new Date;', ['time']],
    ['const t = Date();', ['time']],
    ['const r = Math.random() + Date.now();', ['randomness', 'time']],
    ['const { random } = Math;', ['randomness']],
    ['const t = new Date(0); // Date.now() is not for here', []],
    [
      "const text = 'process.env'; const day = Date.UTC(2026, 0); const half = Math.round(0.5); process.exitCode = 1;",
      [],
    ],
  ])('sees through %s', (source, expected) => {
    expect(
      reachesIn(source)
        .map(({ reach }) => reach)
        .sort(),
    ).toEqual([...expected].sort());
  });
});
