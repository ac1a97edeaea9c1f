import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { loadMarketSpec } from '#sim/market/load-spec.ts';
import { uniforms } from '#sim/market/random.ts';
import { testCases } from '#test/support/cases.ts';
import { runsDear } from '#test/support/dear.ts';
import { audit } from './audit.ts';
import { launchUp, untilUp } from './running-stack.ts';
import { createTenants } from './tenants.ts';
import { startVm, type VmProcess, vm } from './vm-process.ts';

/** Two in `npm test`, four in `npm run test:all`, forty in `npm run test:deep`. */
const KILLS = runsDear ? Math.ceil((4 * testCases) / 1_000) : 2;
/** Runs that end before the last training: it takes fifty, and of some it learns nothing. */
const LEAST_RUNS = 80;
/** One kill in five comes while the stack starts: recovery must survive its own interruption. */
const AT_START_SHARE = 0.2;
const START_MS = 1_000;
/** Past two ticks of watch, so that outcomes are under way too. */
const MAX_LIFE_MS = 2_200;
/** A training is asked for in each of the last lives: fewer than its deliveries, or a dead letter would be right. */
const TRAINED_THROUGH = 2;
/** Another seed is another history of kills. */
const SEED = Number(process.env['AURORA_TEST_SEED'] ?? 20_653);

test(`${KILLS} times SIGKILL under traffic: what was acknowledged is on record exactly once`, {
  timeout: 120_000 + KILLS * 10_000,
}, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'aurora-nothing-lost-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const spec = loadMarketSpec('default');
  const tenants = createTenants({ spec, seed: SEED });
  const draw = uniforms(SEED, 'kills');

  for (let kill = 0; kill < KILLS; kill++) {
    const launched = launchUp(directory, { speed: '2000', seed: '7' });
    let training: VmProcess | undefined;
    try {
      if (draw() < AT_START_SHARE) {
        await sleep(draw() * START_MS);
        continue;
      }
      const { url } = await untilUp(launched);
      if (kill >= KILLS - TRAINED_THROUGH) training = startVm(['train', '--dir', directory]);
      // From its first answer on: on a busy machine that comes late, and before it there is nothing to lose.
      const answered = tenants.reached(tenants.acknowledged.size + 1);
      const killed = answered.then(() => sleep(draw() * MAX_LIFE_MS)).then(() => launched.kill());
      await tenants.work(url, killed);
    } finally {
      await training?.kill();
      await launched.kill();
    }
  }

  const atStake = tenants.acknowledged.size;
  // The last life: everyone gets an answer, every run comes to its end, and the stack is stopped as a person would.
  const launched = launchUp(directory, { speed: '20000', seed: '7' });
  try {
    const stack = await untilUp(launched);
    // A busy machine may have answered little before the kills; what follows them is checked as well.
    await tenants.work(stack.url, tenants.reached(Math.max(LEAST_RUNS, 20 * KILLS)));
    await tenants.settle(stack.url);
    // A training reads what has been ingested: on a busy machine that comes later than the ends.
    await stack.over();
    const trained = await vm('train', '--json', '--dir', directory);
    expect(trained.code, trained.stdout + trained.stderr).toBe(0);
    const last = await stack.over();
    expect(last.dead_letters).toBe(0);
    expect(await stack.stop()).toBe(0);
  } finally {
    await launched.kill();
  }

  const books = await audit({ directory, spec, tenants });
  expect(books.findings).toEqual([]);
  // Otherwise there was nothing to lose.
  expect(atStake).toBeGreaterThan(0);
  expect(books.ended).toBe(tenants.acknowledged.size);
  expect(books.versions).toBeGreaterThan(0);
  expect(books.finals).toBeGreaterThanOrEqual(books.ended);
});
