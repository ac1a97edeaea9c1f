/** The functions of the cloud die under traffic, in every way; then the books are read. Loaded where there is an emulator. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { trainingRequested } from '#shared/domain/events/catalogue.ts';
import { encodeEvent } from '#shared/domain/events/codec.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { trainingKey, trainingReport } from '#shared/domain/training-report.ts';
import { createRegistry } from '#shared/registry/registry.ts';
import { loadMarketSpec } from '#sim/market/load-spec.ts';
import { uniforms } from '#sim/market/random.ts';
import type { Emulator } from '#test/support/pubsub/emulator.ts';
import { recordedOutcomes } from '#test/support/record.ts';
import { createTenants, type Tenants } from '../tenants.ts';
import { auditCloud } from './audit.ts';
import { type Cloud, withCloud } from './cloud.ts';
import { IN_PROCESSES, type InProcess } from './function-process.ts';
import { OF_TRAFFIC, OF_TRAINING } from './moments.ts';

/** Another seed is another history of kills. */
const SEED = Number(process.env['AURORA_TEST_SEED'] ?? 20_261);
/** How often each function dies at any instant, and in each of the moments that come with traffic. */
const DEATHS_EACH = 2;
const MAX_PAUSE_MS = 1_500;
/** A training needs fifty examples whose runs could have ended by now; in real time none that starts here does. */
const HISTORY = 60;
/** Two outcomes at most. The learner takes in one a second, for the emulator has two pushes in flight at most. */
const RUN_ENDS_EVERY_MS = 2_000;
/** Longer than anything waits to come again: a second in the bus, some between two writes of the learner. */
const QUIET_MS = 8_000;
const LOOK_EVERY_MS = 250;
/** Of each tenant, so that two cores are enough for all of this. */
const PAUSE_MS = 150;

/** @param start of an emulator for all of it */
export function nothingLost(start: () => Promise<Emulator>): void {
  let emulator: Emulator;
  beforeAll(async () => {
    emulator = await start();
  });
  afterAll(() => emulator.stop());
  const spec = loadMarketSpec('default');
  const tenantsOf = () => createTenants({ spec, seed: SEED, pauseMs: PAUSE_MS });
  const inCloud = (work: (cloud: Cloud) => Promise<void>) =>
    withCloud(
      {
        pubsub: emulator.endpoint,
        spec,
        seed: SEED,
        history: recordedOutcomes(HISTORY),
        runEndsEveryMs: RUN_ENDS_EVERY_MS,
      },
      work,
    );

  test('SIGKILL under traffic, at any instant and in the worst moments', { timeout: 600_000 }, () =>
    inCloud(async (cloud) => {
      const tenants = tenantsOf();
      const draw = uniforms(SEED, 'kills');
      await underTraffic(cloud, tenants, async () => {
        const training = trainThrough(cloud);
        for (const die of shuffled(deathsOf(cloud, tenants), draw)) {
          await sleep(draw() * MAX_PAUSE_MS);
          await die();
        }
        await training;
      });
      const books = await auditCloud(cloud, tenants);
      expect(books.findings).toEqual([]);
      expect(books.versions).toBe(1);
      // Otherwise there was nothing to lose, and nothing came again.
      expect(tenants.acknowledged.size).toBeGreaterThan(0);
      expect(books.finals).toBeGreaterThan(0);
      expect(books.learnt).toBeGreaterThan(HISTORY);
      expect(books.duplicates).toBeGreaterThan(0);
    }),
  );

  test('SIGTERM under traffic: exit 0', { timeout: 300_000 }, () =>
    inCloud(async (cloud) => {
      const tenants = tenantsOf();
      const codes: Partial<Record<InProcess, number | null>> = {};
      await underTraffic(cloud, tenants, async () => {
        for (const name of IN_PROCESSES) {
          await tenants.reached(tenants.acknowledged.size + 10);
          codes[name] = await cloud.functions[name].terminate();
        }
        await tenants.reached(tenants.acknowledged.size + 10);
      });
      expect(codes).toEqual(Object.fromEntries(IN_PROCESSES.map((name) => [name, 0])));
      expect((await auditCloud(cloud, tenants)).findings).toEqual([]);
    }),
  );
}

/** Works while tenants do; resolves when everybody has an answer and nothing is under way any more. */
async function underTraffic(cloud: Cloud, tenants: Tenants, work: () => Promise<void>): Promise<void> {
  const { url } = cloud.functions.route;
  const over = Promise.withResolvers<void>();
  const traffic = tenants.work(url, over.promise);
  try {
    await work();
  } finally {
    over.resolve();
    await traffic;
  }
  cloud.market.freeze();
  await tenants.settle(url);
  await cloud.quiet(QUIET_MS);
}

const deathsOf = ({ functions, killAt }: Cloud, tenants: Tenants): readonly (() => void | Promise<void>)[] =>
  Array.from({ length: DEATHS_EACH }, () => [
    // A tenant has just been told.
    () => tenants.reached(tenants.acknowledged.size + 1).then(() => functions.route.kill()),
    ...IN_PROCESSES.map((name) => () => functions[name].kill()),
    ...OF_TRAFFIC.map((moment) => () => killAt(moment)),
  ]).flat();

/** Asks for a training, which is killed at work and at its end; its judge before the verdict has an effect. */
async function trainThrough(cloud: Cloud): Promise<void> {
  const { platform } = cloud;
  const killed = OF_TRAINING.map((moment) => cloud.killAt(moment));
  const payload = { requested_by: 'test', force: true, seed: 1, requested_at: rfc3339(hostClock.now()) };
  await (await platform.bus()).publish(trainingRequested.topic, [encodeEvent(trainingRequested, payload)]);
  await Promise.all(killed);
  const state = await platform.state();
  const key = trainingKey(trainingRequested.eventId(payload));
  await until(async () => (await state.get(key)) !== null);
  const { version } = trainingReport.parse((await state.get(key))?.value);
  const registry = createRegistry({ objects: await platform.objects(), worldClock: platform.worldClock });
  await until(async () => version === null || (await registry.readVerdict(version)) !== null);
}

async function until(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(LOOK_EVERY_MS);
}

function shuffled<T>(items: readonly T[], draw: () => number): readonly T[] {
  return items
    .map((item) => ({ item, at: draw() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}
