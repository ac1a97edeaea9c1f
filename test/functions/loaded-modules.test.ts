import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { startChild } from '#test/support/child.ts';

const SCRIPT = fileURLToPath(new URL('./loaded-modules-worker.ts', import.meta.url));
const ROOT = new URL('../../', import.meta.url);

/** What costs hundreds of milliseconds and megabytes, or has no business on the path of a request. */
const HEAVY =
  /node_modules\/(@tensorflow|@duckdb|@google-cloud|undici)\/|^node:sqlite|\/adapters\/|\/shared\/providers\/\w+\//;

async function loadedBy(module: string): Promise<string[]> {
  const { linesReach, lines } = startChild(SCRIPT, [new URL(module, ROOT).href]);
  await linesReach(1);
  return JSON.parse(lines()[0] ?? '[]') as string[];
}

describe('what importing a function loads', () => {
  test('score: its own code, zod and the metrics; no tfjs, no DuckDB, no cloud client', async () => {
    const loaded = await loadedBy('functions/score/index.ts');
    expect(loaded.some((url) => url.endsWith('/shared/learning/network.ts'))).toBe(true);
    expect(loaded.filter((url) => HEAVY.test(url))).toEqual([]);
  });

  test('route: the HTTP client too, and nothing else', async () => {
    const heavy = (await loadedBy('functions/route/index.ts')).filter((url) => HEAVY.test(url));
    expect(heavy.length).toBeGreaterThan(0);
    expect(heavy.every((url) => url.includes('/node_modules/undici/'))).toBe(true);
  });

  test('collect: no adapter of a provider before there is an account', async () => {
    expect((await loadedBy('functions/collect/index.ts')).filter((url) => HEAVY.test(url))).toEqual([]);
  });

  test('what trains loads tfjs, so the tests above can tell', async () => {
    const loaded = await loadedBy('shared/learning/backend.ts');
    expect(loaded.some((url) => url.includes('/node_modules/@tensorflow/'))).toBe(true);
  });
});
