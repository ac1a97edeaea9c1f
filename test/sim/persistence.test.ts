import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createMarket } from '#sim/market/market.ts';
import { memoryStore, sqliteStore } from '#sim/market/store.ts';
import { HOUR_MS, order, START_MS, smallOffer, smallSpec } from './small-market.ts';

const spec = smallSpec([smallOffer({}, { ready_sigma: 0.3, price_sigma: 0.1 })]);
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'aurora-market-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const reopenings = {
  memory: () => {
    const store = memoryStore();
    return () => ({ ...store, close: () => undefined });
  },
  sqlite: () => () => sqliteStore(join(folder, 'market.sqlite')),
};

describe.each(['memory', 'sqlite'] as const)('a market in a %s store', (kind) => {
  it('is the same world after it was opened again', () => {
    const open = reopenings[kind]();
    const first = createMarket({ spec, seed: 1, deviation: 1, store: open() });
    const ids = Array.from(
      { length: 15 },
      (_, index) => first.deploy(order(`run ${index}`, START_MS + index)).instance_id,
    );
    first.terminate(ids[3] ?? '', START_MS + 30_000);
    const seen = (market: typeof first): unknown =>
      [0.01, 0.5, 2, 3, 10].map((hour) => [
        market.offers(START_MS + hour * HOUR_MS),
        ids.map((id) => market.status(id, START_MS + hour * HOUR_MS)),
        market.instances(START_MS + hour * HOUR_MS),
        market.find('run 7'),
      ]);
    const store = open();
    const second = createMarket({ spec, seed: 1, deviation: 1, store });
    const after = seen(second);
    expect(after).toEqual(seen(first));
    expect(second.status(ids[3] ?? '', START_MS + HOUR_MS)?.state).toBe('cancelled');
    first.close();
    second.close();
  });

  it('remembers the start of its world, to which scenarios are relative', () => {
    const open = reopenings[kind]();
    const first = createMarket({ spec, seed: 1, deviation: 1, startMs: START_MS + 5, store: open() });
    first.close();
    const second = createMarket({ spec, seed: 1, deviation: 1, startMs: START_MS + 99, store: open() });
    expect([first.startMs, second.startMs]).toEqual([START_MS + 5, START_MS + 5]);
    second.close();
  });

  it('forgets what it is told to remove, and only that', () => {
    const store = reopenings[kind]()();
    const market = createMarket({ spec, seed: 1, deviation: 1, store });
    const ids = ['a', 'b', 'c'].map((label) => market.deploy(order(label, START_MS)).instance_id);
    store.remove([ids[0] ?? '', ids[2] ?? '', 'i-unknown']);
    expect(store.load().map((one) => one.label)).toEqual(['b']);
    market.close();
  });
});

describe('a sqlite store', () => {
  it('keeps what was deployed by a process that was killed', () => {
    const path = join(folder, 'market.sqlite');
    const child = fileURLToPath(new URL('./deploy-then-die.ts', import.meta.url));
    let signal: unknown = null;
    try {
      execFileSync(process.execPath, ['--disable-warning=ExperimentalWarning', child, path], { stdio: 'pipe' });
    } catch (error) {
      signal = (error as { signal?: unknown }).signal;
    }
    expect(signal).toBe('SIGKILL');
    const market = createMarket({ spec: smallSpec(), seed: 1, deviation: 1, store: sqliteStore(path) });
    expect(market.instances(START_MS).map((line) => line.label)).toEqual(['run 0', 'run 1', 'run 2', 'run 3', 'run 4']);
    market.close();
  });
});

describe('a damaged file', () => {
  it.each([
    ['another kind of file', (path: string) => writeFileSync(path, 'step,tenant_id\r\n'.repeat(500))],
    ['cut', (path: string) => truncateSync(path, 4_096)],
  ])('%s: is refused by its name, with its remedy', (_, damage) => {
    const path = join(folder, 'market.sqlite');
    const market = createMarket({ spec, seed: 1, deviation: 1, store: sqliteStore(path) });
    for (let i = 0; i < 5; i++) market.deploy(order(`run ${i}`, START_MS));
    market.close();
    damage(path);
    const refused = expect.objectContaining({ code: 'store_corrupt', message: expect.stringContaining(path) });
    expect(() => createMarket({ spec, seed: 1, deviation: 1, store: sqliteStore(path) })).toThrow(refused);
  });
});

describe('a market that runs for long', () => {
  it('drops the oldest ended instances past its limit, never a live one', () => {
    const endless = smallSpec([smallOffer({ capacity_gpu_hours: 1e9 })]);
    const store = memoryStore();
    const market = createMarket({ spec: endless, seed: 1, deviation: 0, store, keepInstances: 100 });
    const long = market.deploy({ ...order('long', START_MS), gpu_hours: 1e5 }).instance_id;
    for (let index = 0; index < 1000; index++) market.deploy(order(`run ${index}`, START_MS + index * HOUR_MS));
    const nowMs = START_MS + 1000 * HOUR_MS;
    const kept = market.instances(nowMs).map((line) => line.label);
    expect(kept.length).toBeLessThanOrEqual(110);
    expect(kept[0]).toBe('long');
    expect(kept.slice(1)).toEqual(
      Array.from({ length: kept.length - 1 }, (_, index) => `run ${1001 - kept.length + index}`),
    );
    expect(market.status(long, nowMs)?.state).toBe('running');
    expect(market.find('run 0')).toEqual([]);
    expect(store.load().length).toBe(kept.length);
  });
});
