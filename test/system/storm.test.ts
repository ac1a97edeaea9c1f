import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { status } from '#cli/ops/status.ts';
import { httpJob, startCron } from '#cli/stack/cron.ts';
import type { Stack } from '#cli/stack/stack.ts';
import { startWorld } from '#cli/stack/world.ts';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { parseConfig } from '#shared/config.ts';
import { deploymentKey, deploymentRecord, LIVE_PREFIX } from '#shared/domain/deployment.ts';
import { closeInTurn } from '#shared/runtime/closing.ts';
import { createLog } from '#shared/telemetry/log.ts';
import { loadMarketSpec } from '#sim/market/load-spec.ts';
import { runsDear } from '#test/support/dear.ts';
import { audit } from './audit.ts';
import { doorsOf } from './storm/fakes.ts';
import { scoreProcess } from './storm/score-process.ts';
import { createTenants } from './tenants.ts';

/** 2,000 in `npm run test:storm`, which has the machine for itself: then the answers' time counts too. */
const WHOLE = 2_000;
const REQUESTS = Number(process.env['AURORA_TEST_REQUESTS'] ?? 120);
const SEED = 5;
/** World seconds in one. */
const SPEED = 100;
/** Eleven seconds here. Longer than any start: of a shorter run between two looks, a marketplace that tells no times leaves open whether it was one. */
const RUN_HOURS = 0.3;
const LOOK_EVERY_MS = 200;
const END_WITHIN_MS = 150_000;

test.skipIf(!runsDear)(
  `${REQUESTS} requests through route: score dies twice, a provider flaps, another refuses half of the calls for their rate`,
  {
    timeout: 300_000,
  },
  async () => {
    const directory = await mkdtemp(join(tmpdir(), 'aurora-storm-'));
    onTestFinished(() => rm(directory, { recursive: true, force: true }));
    const spec = loadMarketSpec('default');
    const tenants = createTenants({
      spec,
      seed: SEED,
      pauseMs: 10,
      senders: REQUESTS < WHOLE ? 8 : 24,
      runHours: RUN_HOURS,
    });
    const score = await scoreProcess(directory, SPEED);
    onTestFinished(() => score.kill());
    const log = createLog({ level: 'silent' });
    const closers: (() => unknown)[] = [];
    const { stack, marketplaces } = await startWorld(
      { spec, seed: SEED, deviation: 1, scenario: null, port: 0, stage: 'online' },
      {
        config: { ...parseConfig({ AURORA_DIR: directory, AURORA_SCORE_URL: score.url }), speed: SPEED },
        directory,
        log,
        hostClock,
        defer: (close) => void closers.unshift(close),
        scoreElsewhere: true,
      },
    );
    await score.start();
    const jobs = [
      httpJob('collect', urlOf(stack, 'collect'), 2_000, hostClock),
      httpJob('watch', urlOf(stack, 'watch'), 500, hostClock),
    ];
    const cron = startCron(jobs, { hostClock, log });
    const [akash, render, vast] = ['akash', 'render', 'vast'].map((name) => {
      const found = marketplaces.find((one) => one.name === name);
      if (found === undefined) throw new Error(`no ${name}`);
      return doorsOf(found);
    });
    if (akash === undefined || render === undefined || vast === undefined) throw new Error('three marketplaces');
    try {
      await vast.misbehave([{ fault: '429_text', share: 0.5 }]);
      const storm = (async () => {
        await tenants.reached(REQUESTS * 0.2);
        await akash.misbehave(flapping(stack.platform.worldClock.now()));
        score.kill();
        await tenants.reached(REQUESTS * 0.4);
        await score.start();
        await tenants.reached(REQUESTS * 0.6);
        score.kill();
        await score.start();
      })();
      await tenants.work(urlOf(stack, 'route'), tenants.reached(REQUESTS));
      await storm;

      // Nobody went without an answer, whatever died meanwhile.
      expect(tenants.broken).toEqual([]);
      await tenants.settle(urlOf(stack, 'route'));
      expect(tenants.unanswered()).toEqual([]);
      expect(tenants.refusals.filter(({ reason, excluded }) => reason === '' || excluded.length === 0)).toEqual([]);
      expect(tenants.modes.get('online')).toBeGreaterThan(0);
      expect(tenants.modes.get('rules')).toBeGreaterThan(0);
      const p95Ms = quantile(tenants.latenciesMs, 0.95);
      process.stderr.write(
        `${tenants.latenciesMs.length} answers: p50 ${quantile(tenants.latenciesMs, 0.5).toFixed(0)} ms, p95 ${p95Ms.toFixed(0)} ms; ${tenants.acknowledged.size} provisioning, ${tenants.refused.size} refused with reasons; ${[...tenants.modes].map(([mode, n]) => `${mode} ${n}`).join(', ')}\n`,
      );

      await vast.misbehave([]);
      await untilOver(stack);
      const refused = (await vast.log()).filter(({ status: code }) => code === 429);
      expect(refused.length).toBeGreaterThan(0);
      expect((await akash.log()).filter(({ fault }) => fault === 'flap').length).toBeGreaterThan(0);
      for (const marketplace of [akash, render, vast]) {
        const bills = await marketplace.bills();
        // Of 120 it gets three to five, and once in forty storms none.
        const mayGetNone = marketplace === render && REQUESTS < WHOLE;
        if (!mayGetNone) expect(bills.length, marketplace.name).toBeGreaterThan(0);
        expect(
          bills.filter(({ ended_ms: ended }) => ended === null),
          `${marketplace.name} bills still`,
        ).toEqual([]);
      }
      expect(await status.run(stack, {})).toMatchObject({ rejected: 0, dead_letters: 0, backlog: 0 });
    } finally {
      await cron.stop();
      await Promise.all(jobs.map((job) => job.close()));
      score.kill();
      await closeInTurn(closers.map((close) => async () => void (await close())));
    }

    const found = await audit({ directory, spec, tenants });
    expect(found.findings).toEqual([]);
    expect(found.decisions).toBe(tenants.acknowledged.size + tenants.refused.size);
    // Each has its end on record, and each end its decision: the fallbacks' ends are beside them.
    expect(found.ended).toBe(tenants.acknowledged.size);
    expect(found.finals).toBeGreaterThan(found.ended);
    // Last: a machine that is busy with other work answers later, and owes all of the above none the less.
    if (REQUESTS >= WHOLE) expect(quantile(tenants.latenciesMs, 0.95)).toBeLessThan(1_000);
  },
);

const urlOf = (stack: Stack, name: 'route' | 'collect' | 'watch'): string => stack.functions.get(name)?.url ?? '';

/** For so long, six seconds here: five seconds of the provider's time away, five there. */
const FLAPS_MS = 10 * 60_000;
const AWAY_MS = 5_000;

function flapping(nowMs: number): readonly Readonly<Record<string, unknown>>[] {
  const windows = Array.from({ length: FLAPS_MS / (2 * AWAY_MS) }, (_, i) => nowMs + i * 2 * AWAY_MS);
  return windows.map((from) => ({ fault: 'flap', from_ms: from, until_ms: from + AWAY_MS }));
}

/** Every deployment has ended, and everything that was said of them has been heard. */
async function untilOver(stack: Stack): Promise<void> {
  const state = await stack.platform.state();
  const giveUpAt = hostClock.now() + END_WITHIN_MS;
  for (;;) {
    const live = await state.list(LIVE_PREFIX);
    const late = hostClock.now() > giveUpAt;
    // What costs a look more than a look at one key comes once nothing lives.
    if (live.length === 0 || late) {
      const records = await state.list(deploymentKey(''), { limit: 100_000 });
      const open = records.filter(({ value }) => deploymentRecord.parse(value).state !== 'ended');
      const { backlog } = await status.run(stack, {});
      if (live.length === 0 && open.length === 0 && backlog === 0) return;
      if (late)
        throw new Error(
          `${live.length} live, ${open.length} open, backlog ${backlog}: ${JSON.stringify(open.slice(0, 3))}`,
        );
    }
    await sleep(LOOK_EVERY_MS);
  }
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
}
