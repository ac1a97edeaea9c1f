import { createLearn } from '#functions/learn/handler.ts';
import type { Study } from '#functions/learn/study/protocol.ts';
import { decodeStatistics, type Statistics } from '#functions/learn/study/statistics.ts';
import { createStudy } from '#functions/learn/study/study.ts';
import { routingOutcome } from '#shared/domain/events/catalogue.ts';
import type { Outcome } from '#shared/domain/outcome.ts';
import {
  LINEAR,
  parseServedPosterior,
  posteriorObject,
  statisticsObject,
} from '#shared/learning/fast/learned-objects.ts';
import { createRegistry } from '#shared/registry/registry.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import { fakeClock } from './clock.ts';
import { faults } from './faults.ts';
import { memoryBus } from './memory-bus.ts';
import { memoryObjects } from './memory-objects.ts';
import { deliver } from './push.ts';
import { maturedMs, memoryRecord } from './record.ts';
import { aRequest, testDeps } from './runtime.ts';

/** A study without a thread: the calls queue up as they do before one. */
export function hereStudy(): Study {
  const study = createStudy({ stopwatchMs: () => performance.now() });
  let last: Promise<unknown> = Promise.resolve();
  const queued =
    <A extends readonly unknown[], R>(call: (...args: A) => Promise<R>) =>
    (...args: A): Promise<R> => {
      const result = last.then(() => call(...args));
      last = result.catch(() => undefined);
      return result;
    };
  return {
    open: queued(study.open),
    take: queued(study.take),
    readRecord: queued(study.readRecord),
    snapshot: queued(study.snapshot),
    posterior: queued(study.posterior),
    close: queued(study.close),
    stop: study.stop,
  };
}

/** The function over one store, as often as a test wants: another app is another instance, or the same one after a kill. */
export function learnHouse({ atMs = maturedMs(1_000) } = {}) {
  const clock = fakeClock(atMs);
  const bus = memoryBus();
  const objects = memoryObjects();
  const record = memoryRecord();
  const deaths = faults();
  const deps = testDeps(clock);
  const registry = createRegistry({ objects, worldClock: clock });

  /** Lets time pass until it is settled: rounds rest between two writes. */
  const until = async <T>(answer: Promise<T>, stepMs: number): Promise<T> => {
    let over = false;
    const mark = (): void => {
      over = true;
    };
    answer.then(mark, mark);
    while (!over) await clock.advance(stepMs);
    return answer;
  };
  const passing = <T>(answer: Promise<T>): Promise<T> => until(answer, 100);
  const instance = ({ study = hereStudy() as Study, mortal = false } = {}): FunctionApp =>
    createLearn({
      ...deps,
      worldClock: clock,
      bus,
      objects: mortal ? deaths.wrap(objects) : objects,
      registry,
      warehouse: async () => record.warehouse,
      study,
      eager: true,
    });
  return {
    clock,
    bus,
    objects,
    record,
    deaths,
    deps,
    registry,
    passing,
    /** Runs only what is due now until it is settled. */
    standing: <T>(answer: Promise<T>): Promise<T> => until(answer, 0),
    instance,
    ready,
    async started(options: { readonly study?: Study; readonly mortal?: boolean } = {}): Promise<FunctionApp> {
      const app = instance(options);
      await app.start();
      await until(ready(app), 0);
      return app;
    },
    /** Statuses of the answers, in order. */
    hear: (app: FunctionApp, outcomes: readonly Outcome[]): Promise<number[]> =>
      passing(Promise.all(outcomes.map((outcome) => deliver(app, routingOutcome, outcome)))),
    async statistics(name = LINEAR): Promise<Statistics> {
      const found = await objects.read(statisticsObject(name));
      if (found === null) throw new Error(`no statistics of ${name}`);
      return decodeStatistics(name, found.bytes);
    },
    async posterior(name = LINEAR) {
      const found = await objects.read(posteriorObject(name));
      if (found === null) throw new Error(`no posterior of ${name}`);
      return parseServedPosterior(found.bytes);
    },
    async generation(name = LINEAR): Promise<string | null> {
      return (await objects.read(statisticsObject(name)))?.generation ?? null;
    },
  };
}

async function ready(app: FunctionApp): Promise<void> {
  // A thread that starts on a busy machine takes seconds, a turn ten microseconds.
  for (let turn = 0; turn < 2_000_000; turn++) {
    const answer = await app.handle(aRequest({ path: '/ready' }));
    if (answer.status === 200) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
  throw new Error('the learner never got ready');
}
