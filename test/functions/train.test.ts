import { describe, expect, test, vi } from 'vitest';
import { whyNotTrain } from '#functions/train/decide.ts';
import { createTrain } from '#functions/train/handler.ts';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { MAX_PUSH_TRAINING_ROWS, MIN_NEW_EXAMPLES, MIN_TRAINING_EXAMPLES } from '#shared/defaults.ts';
import { modelTrained, type Payload, trainingRequested } from '#shared/domain/events/catalogue.ts';
import { sha256Hex } from '#shared/domain/ids.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { type TrainingReport, trainingKey, trainingReport } from '#shared/domain/training-report.ts';
import { RejectedError, TransientError } from '#shared/errors.ts';
import { dataSha256 } from '#shared/learning/examples.ts';
import { loadScorer } from '#shared/learning/scorer.ts';
import { trainInWorker } from '#shared/learning/train/in-worker.ts';
import { readTrainingSet } from '#shared/learning/training-set.ts';
import type { Platform } from '#shared/platform.ts';
import { trainingDays } from '#shared/queries/training.ts';
import { createRegistry } from '#shared/registry/registry.ts';
import { handleOnce } from '#shared/runtime/handle-once.ts';
import { fakeClock } from '#test/support/clock.ts';
import { faults } from '#test/support/faults.ts';
import { memoryBus } from '#test/support/memory-bus.ts';
import { memoryObjects } from '#test/support/memory-objects.ts';
import { memoryState } from '#test/support/memory-state.ts';
import { deliver } from '#test/support/push.ts';
import { quickly } from '#test/support/quick-training.ts';
import { maturedMs, memoryRecord, recordedOutcomes } from '#test/support/record.ts';
import { aRequest as aHttpRequest, testDeps } from '#test/support/runtime.ts';

const ENOUGH = MIN_NEW_EXAMPLES + 50;
const OUTCOMES = recordedOutcomes(2 * ENOUGH);
const NOW = maturedMs(2 * ENOUGH);

type TrainModel = typeof trainInWorker;
type Request = Payload<'training-requested'>;

const aRequest = (changes: Partial<Request> = {}): Request => ({
  requested_at: rfc3339(NOW),
  requested_by: 'cron',
  force: false,
  seed: 1,
  ...changes,
});

function trainHouse({ trainModel = quickly as TrainModel } = {}) {
  const clock = fakeClock(NOW);
  const state = memoryState(clock);
  const bus = memoryBus();
  const objects = memoryObjects();
  const deaths = faults();
  const outcomes = memoryRecord();
  const deps = testDeps(clock);
  let trainings = 0;
  const house = {
    clock,
    state,
    bus,
    objects,
    deaths,
    trainModel,
    startJob: null as Platform['startJob'],
    record: outcomes.add,
    /** The record says that there are so many attempts. */
    says(attempts: number) {
      const { query } = outcomes.warehouse;
      vi.spyOn(outcomes.warehouse, 'query').mockImplementation((asked, params) =>
        asked.name === trainingDays.name
          ? Promise.resolve([asked.row.parse({ day: '2026-01-01', at_least: attempts })])
          : query(asked, params),
      );
    },
    registry: createRegistry({ objects, worldClock: clock }),
    trainings: () => trainings,
    app: () =>
      createTrain({
        ...deps,
        worldClock: clock,
        bus: deaths.wrap(bus),
        state: deaths.wrap(state),
        warehouse: outcomes.warehouse,
        registry: createRegistry({ objects: deaths.wrap(objects), worldClock: clock }),
        deadlineMs: 590_000,
        startJob: house.startJob,
        trainModel: (request, how) => {
          trainings += 1;
          return house.trainModel(request, how);
        },
      }),
    ask: (changes: Partial<Request> = {}) => deliver(house.app(), trainingRequested, aRequest(changes)),
    /** Lets time pass until it is answered: leases are waited for. */
    async passing<T>(answer: Promise<T>): Promise<T> {
      let answered = false;
      void answer.finally(() => {
        answered = true;
      });
      while (!answered) await clock.advance(250);
      return answer;
    },
    async report(changes: Partial<Request> = {}): Promise<TrainingReport | null> {
      const entry = await state.get(trainingKey(trainingRequested.eventId(aRequest(changes))));
      return entry === null ? null : trainingReport.parse(entry.value);
    },
  };
  return house;
}

describe('train', () => {
  test('without any outcome: skipped, and why', async () => {
    const house = trainHouse();
    expect(await house.ask()).toBe(204);
    expect(await house.report()).toMatchObject({ result: 'skipped', reason: 'no outcome has arrived yet' });
  });

  test('with too few for a first version: skipped; forced, it is tried, and refused below what a model needs', async () => {
    const house = trainHouse();
    house.record(OUTCOMES.slice(0, MIN_TRAINING_EXAMPLES - 1), NOW);
    await house.ask();
    expect(await house.report()).toMatchObject({
      result: 'skipped',
      rows: MIN_TRAINING_EXAMPLES - 1,
      reason: `${MIN_TRAINING_EXAMPLES - 1} matured attempts; the first version waits for ${MIN_NEW_EXAMPLES}`,
    });
    await house.ask({ force: true, requested_by: 'ann' });
    expect(await house.report({ requested_by: 'ann' })).toMatchObject({
      result: 'failed',
      reason: expect.stringContaining('not_enough_data'),
    });
    expect([house.trainings(), house.bus.published.length]).toEqual([0, 0]);
  });

  test('with enough: a version on record, its event, and the report', async () => {
    const house = trainHouse();
    house.record(OUTCOMES.slice(0, ENOUGH), NOW);
    expect(await house.ask()).toBe(204);
    const report = await house.report();
    expect(report).toMatchObject({ result: 'trained', reason: null, rows: ENOUGH });
    expect(await house.registry.listVersions()).toEqual([report?.version]);
    expect(house.bus.payloads('model-trained')).toMatchObject([
      { version: report?.version, training_rows: ENOUGH, holdout_rows: ENOUGH / 5, watermark: rfc3339(NOW) },
    ]);
    expect(await house.state.list('leases/')).toEqual([]);
    expect(house.clock.pending()).toBe(0);
  });

  test('waits for news: skipped until enough has arrived since, unless forced', async () => {
    const house = trainHouse();
    house.record(OUTCOMES.slice(0, ENOUGH), NOW);
    await house.ask();
    house.record(OUTCOMES.slice(ENOUGH, ENOUGH + MIN_NEW_EXAMPLES - 1), NOW + 1);
    await house.ask({ requested_by: 'second' });
    expect(await house.report({ requested_by: 'second' })).toMatchObject({
      result: 'skipped',
      reason: `${MIN_NEW_EXAMPLES - 1} new attempts; the next version waits for ${MIN_NEW_EXAMPLES}`,
    });
    house.record(OUTCOMES.slice(ENOUGH + MIN_NEW_EXAMPLES - 1, ENOUGH + MIN_NEW_EXAMPLES), NOW + 2);
    await house.ask({ requested_by: 'third' });
    expect(await house.report({ requested_by: 'third' })).toMatchObject({
      result: 'trained',
      rows: ENOUGH + MIN_NEW_EXAMPLES,
    });
    expect(house.trainings()).toBe(2);
  });

  test('another request on the same rows: the version is known, nothing is trained, promote hears of it again', async () => {
    const house = trainHouse();
    house.record(OUTCOMES.slice(0, ENOUGH), NOW);
    await house.ask({ force: true });
    await house.ask({ force: true, requested_by: 'ann' });
    expect(await house.report({ requested_by: 'ann' })).toMatchObject({ result: 'known' });
    expect(house.trainings()).toBe(1);
    expect(house.bus.payloads('model-trained')).toHaveLength(2);
    expect(house.bus.distinct('model-trained')).toHaveLength(1);
    // Another seed is another version.
    await house.ask({ force: true, requested_by: 'ann', seed: 2, requested_at: rfc3339(NOW + 1) });
    expect(await house.registry.listVersions()).toHaveLength(2);
  });

  test('redelivered after its end, it changes nothing, whatever has arrived since', async () => {
    const house = trainHouse();
    house.record(OUTCOMES.slice(0, ENOUGH), NOW);
    await house.ask();
    const report = await house.report();
    house.record(OUTCOMES.slice(ENOUGH), NOW + 1);
    expect(await house.ask()).toBe(204);
    expect(await house.report()).toEqual(report);
    expect([house.trainings(), house.bus.published.length]).toEqual([1, 1]);
  });

  test('killed at any step, and more arriving meanwhile: one version of the rows frozen first', async () => {
    for (const when of ['before', 'after'] as const) {
      let deaths = 0;
      for (let step = 1; ; step++) {
        const house = trainHouse();
        house.record(OUTCOMES.slice(0, ENOUGH), NOW);
        house.deaths.killAt(step, when);
        const first = await house.ask();
        const died = house.deaths.revive();
        if (!died) {
          expect(first).toBe(204);
          break;
        }
        deaths += 1;
        expect(first).toBe(500);
        house.record(OUTCOMES.slice(ENOUGH, ENOUGH + 10), NOW + 1);
        expect(await house.passing(house.ask())).toBe(204);
        const versions = await house.registry.listVersions();
        expect(versions).toHaveLength(1);
        expect(house.bus.distinct('model-trained')).toHaveLength(1);
        expect(await house.report()).toMatchObject({ version: versions[0], reason: null });
        expect((await house.report())?.result).toMatch(/^(trained|known)$/);
      }
      expect(deaths).toBeGreaterThan(10);
    }
  });

  test('an old request that ends late does not set the cadence back', async () => {
    const house = trainHouse();
    house.record(OUTCOMES.slice(0, ENOUGH), NOW);
    house.trainModel = async () => {
      throw new TransientError('internal', 'the training worker crashed');
    };
    expect(await house.ask({ force: true })).toBe(500);
    house.trainModel = quickly;
    house.record(OUTCOMES.slice(ENOUGH), NOW + 1);
    await house.ask({ requested_by: 'ann', force: true });
    expect(await house.ask({ force: true })).toBe(204);
    expect(await house.report()).toMatchObject({ result: 'trained', rows: ENOUGH });
    await house.ask({ requested_by: 'cron again' });
    expect(await house.report({ requested_by: 'cron again' })).toMatchObject({
      result: 'skipped',
      reason: expect.stringContaining('0 new attempts'),
    });
  });

  test('while another trains the same version: waits for it, then comes again; what it made is known', async () => {
    const go = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const house = trainHouse({
      trainModel: async (request, how) => {
        begun.resolve();
        await go.promise;
        return quickly(request, how);
      },
    });
    house.record(OUTCOMES.slice(0, ENOUGH), NOW);
    const first = house.ask({ force: true });
    await begun.promise;
    const second = house.ask({ force: true, requested_by: 'ann' });
    expect(await house.passing(second)).toBe(503);
    go.resolve();
    expect(await first).toBe(204);
    expect(await house.ask({ force: true, requested_by: 'ann' })).toBe(204);
    expect(await house.report({ requested_by: 'ann' })).toMatchObject({ result: 'known' });
    expect(house.trainings()).toBe(1);
  });

  test('another was faster although the lease was held: what they published stands, and is known', async () => {
    const house = trainHouse();
    house.record(OUTCOMES.slice(0, ENOUGH), NOW);
    let theirs: string | undefined;
    house.trainModel = async (request, how) => {
      const { manifest, files } = await quickly(request, how);
      theirs = rfc3339(NOW - 5_000);
      await house.registry.publishVersion({ ...manifest, created_at: theirs }, files);
      return { manifest, files };
    };
    expect(await house.ask()).toBe(204);
    const report = await house.report();
    expect(report).toMatchObject({ result: 'known', reason: null });
    expect((await house.registry.readManifest(report?.version ?? '')).created_at).toBe(theirs);
    expect(house.bus.payloads('model-trained')).toMatchObject([{ trained_at: theirs }]);
  });

  test('a training that the data do not allow is reported; one that failed for now comes again', async () => {
    const house = trainHouse();
    house.record(OUTCOMES.slice(0, ENOUGH), NOW);
    house.trainModel = async () => {
      throw new TransientError('internal', 'the training worker crashed');
    };
    expect(await house.ask()).toBe(500);
    expect(await house.report()).toBeNull();
    house.trainModel = async () => {
      throw new RejectedError('artefact_corrupt', 'training diverged');
    };
    expect(await house.ask()).toBe(204);
    expect(await house.report()).toMatchObject({ result: 'failed', reason: 'artefact_corrupt: training diverged' });
    expect(await house.registry.listVersions()).toEqual([]);
  });
});

describe('a long training', () => {
  const asJob = (house: ReturnType<typeof trainHouse>) => {
    const started: string[] = [];
    house.startJob = async (event) => void started.push(event);
    return started;
  };

  test('is handed to a job as the event that came, once; the job trains, and reports', async () => {
    const house = trainHouse();
    const started = asJob(house);
    house.record(OUTCOMES.slice(0, ENOUGH), NOW);
    house.says(MAX_PUSH_TRAINING_ROWS + 1);
    expect([await house.ask(), await house.ask()]).toEqual([204, 204]);
    expect(started).toHaveLength(1);
    expect([house.trainings(), await house.report()]).toEqual([0, null]);

    house.startJob = null;
    const job = { hostClock: house.clock, log: testDeps().log, deadlineMs: 1_000, signal: AbortSignal.any([]) };
    house.trainModel = async () => {
      throw new TransientError('draining', 'training was stopped');
    };
    expect(await handleOnce(house.app(), started[0] ?? '', job)).toBe(1);
    expect(await house.report()).toBeNull();
    house.trainModel = quickly;
    expect(await handleOnce(house.app(), started[0] ?? '', job)).toBe(0);
    expect(await house.report()).toMatchObject({ result: 'trained', rows: ENOUGH });
    expect(house.trainings()).toBe(2);
  });

  test('is trained here while it fits a push, and where there are no jobs', async () => {
    const house = trainHouse();
    const started = asJob(house);
    house.record(OUTCOMES.slice(0, ENOUGH), NOW);
    house.says(MAX_PUSH_TRAINING_ROWS);
    expect(await house.ask()).toBe(204);
    expect([started.length, house.trainings()]).toEqual([0, 1]);
  });

  test('whose job cannot be started comes again, and one that was started without a note is started once more', async () => {
    const house = trainHouse();
    house.record(OUTCOMES.slice(0, ENOUGH), NOW);
    house.says(MAX_PUSH_TRAINING_ROWS + 1);
    house.startJob = async () => {
      throw new TransientError('upstream_unavailable', 'start of the job: HTTP 429');
    };
    expect(await house.ask()).toBe(503);
    const started = asJob(house);
    // Killed between the start and its note.
    const { create } = house.state;
    let killed = false;
    vi.spyOn(house.state, 'create').mockImplementation((key, ...rest) => {
      if (killed || !key.startsWith('training-job/')) return create(key, ...rest);
      killed = true;
      return Promise.reject(new TransientError('state_unavailable', 'killed'));
    });
    expect(await house.ask()).toBe(503);
    expect([await house.ask(), await house.ask()]).toEqual([204, 204]);
    expect(started).toHaveLength(2);
    expect(started[0]).toBe(started[1]);
  });
});

describe('the clock', () => {
  test('asks for a training: a request of its own each time', async () => {
    const house = trainHouse();
    const tick = async () => await house.app().handle(aHttpRequest({ method: 'POST', path: '/run' }));
    expect(await tick()).toMatchObject({ status: 200 });
    await house.clock.advance(1_000);
    expect(await tick()).toMatchObject({ status: 200 });
    expect(house.bus.payloads('training-requested')).toEqual([
      { requested_at: rfc3339(NOW), requested_by: 'cron', force: false, seed: 1 },
      { requested_at: rfc3339(NOW + 1_000), requested_by: 'cron', force: false, seed: 1 },
    ]);
  });
});

describe('train, for real', () => {
  test('the worker trains a version that loads and scores, and the same request names it again', async () => {
    const outcomes = memoryRecord();
    outcomes.add(OUTCOMES.slice(0, 80), NOW);
    const clock = fakeClock(NOW);
    const objects = memoryObjects();
    const registry = createRegistry({ objects, worldClock: clock });
    const bus = memoryBus();
    const app = createTrain({
      ...testDeps(hostClock),
      worldClock: clock,
      bus,
      state: memoryState(clock),
      warehouse: outcomes.warehouse,
      registry,
      trainModel: trainInWorker,
      startJob: null,
      deadlineMs: 60_000,
    });
    expect(await deliver(app, trainingRequested, aRequest({ force: true }))).toBe(204);
    const [trained] = bus.payloads('model-trained');
    const { manifest, files } = await registry.loadArtefact(trained?.version ?? '');
    expect(trained).toMatchObject({ training_rows: 80, holdout_rows: 16, data_sha256: manifest.training.data_sha256 });
    expect(manifest.training.data_sha256).toBe(
      await dataSha256(await readTrainingSet(outcomes.warehouse, rfc3339(NOW))),
    );
    expect(loadScorer(manifest, files['weights.bin']).version).toBe(trained?.version);
    expect(sha256Hex(files['weights.bin'])).toBe(manifest.files['weights.bin'].sha256);
    expect(modelTrained.schema.safeParse(trained).success).toBe(true);
  });
});

describe('cadence', () => {
  const least = MIN_NEW_EXAMPLES;
  test.each([
    [least - 1, 0, `${least - 1} new attempts; the next version waits for ${least}`],
    [least, 0, null],
    [least, 5 * least, null],
    [least, 5 * least + 1, `${least} new attempts; the next version waits for ${least + 1}`],
    [20_000, 100_000, null],
  ])('%i new rows after a version of %i', (newRows, lastRows, why) => {
    expect(whyNotTrain({ newRows, lastRows })).toBe(why);
  });
});
