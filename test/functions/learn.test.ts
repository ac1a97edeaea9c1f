import { describe, expect, test } from 'vitest';
import { studyInThread } from '#functions/learn/study/in-thread.ts';
import { STATISTICS_GAP_MS } from '#shared/defaults.ts';
import { routingOutcome } from '#shared/domain/events/catalogue.ts';
import type { Outcome } from '#shared/domain/outcome.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { NO_RECORD } from '#shared/learning/fast/estimate.ts';
import { LINEAR, posteriorObject, statisticsObject } from '#shared/learning/fast/learned-objects.ts';
import { loadPosterior } from '#shared/learning/fast/posterior.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import { hereStudy, learnHouse } from '#test/support/learn-house.ts';
import { deliver } from '#test/support/push.ts';
import { maturedMs, recordedOutcomes } from '#test/support/record.ts';
import { aRequest } from '#test/support/runtime.ts';

const OUTCOMES = recordedOutcomes(40);
const NOW = maturedMs(40);
const head = (n: number): readonly Outcome[] => OUTCOMES.slice(0, n);
const oks = (n: number): number[] => Array(n).fill(204);
const other = (outcome: Outcome, changes: Partial<Outcome>): Outcome => ({ ...outcome, ...changes });

const metric = async (app: FunctionApp, name: string): Promise<string[]> => {
  const answer = await app.handle(aRequest({ path: '/metrics' }));
  return String(answer.body)
    .split('\n')
    .filter((line) => line.startsWith(name));
};

describe('learn', () => {
  test('what it heard is in the statistics, and the posterior says which ones it came from', async () => {
    const house = learnHouse();
    const app = await house.started();
    expect(await house.hear(app, OUTCOMES)).toEqual(oks(40));
    expect((await house.statistics()).learner.observations).toBe(40);
    const { statisticsGeneration, posterior } = await house.posterior();
    expect(statisticsGeneration).toBe(await house.generation());
    expect(loadPosterior(posterior).observations).toBe(40);
    await app.drain();
  });

  test('at first there is a posterior of nothing, so that whoever scores finds one', async () => {
    const house = learnHouse();
    const app = await house.started();
    expect((await house.posterior()).posterior.observations).toBe(0);
    await app.drain();
  });

  test('an outcome is acknowledged when the statistics are written and not before', async () => {
    const house = learnHouse();
    const app = await house.started();
    await house.clock.advance(STATISTICS_GAP_MS);
    let acknowledged = false;
    const before = await house.generation();
    const push = deliver(app, routingOutcome, OUTCOMES[0] as Outcome).then((status) => {
      acknowledged = true;
      return status;
    });
    while ((await house.generation()) === before) {
      expect(acknowledged).toBe(false);
      await house.clock.advance(0);
    }
    expect(await house.passing(push)).toBe(204);
    await app.drain();
  });

  test('a write that fails: 503, and the outcome is learnt once when it comes again', async () => {
    const house = learnHouse();
    const app = await house.started({ mortal: true });
    await house.clock.advance(STATISTICS_GAP_MS);
    house.deaths.killAt(1, 'after');
    expect(await house.hear(app, head(3))).toEqual([500, 500, 500]);
    house.deaths.revive();
    expect(await house.hear(app, head(3))).toEqual(oks(3));
    expect((await house.statistics()).learner.observations).toBe(3);
    await app.drain();
  });

  test('what waits is written together, and two writes are two seconds apart', async () => {
    const house = learnHouse();
    const app = await house.started();
    const instants: number[] = [];
    const { write } = house.objects;
    house.objects.write = (name, ...rest) => {
      if (name === statisticsObject(LINEAR)) instants.push(house.clock.now());
      return write(name, ...rest);
    };
    const answers: Promise<number>[] = [];
    for (const outcome of OUTCOMES) {
      answers.push(deliver(app, routingOutcome, outcome));
      await house.clock.advance(100);
    }
    expect(await house.passing(Promise.all(answers))).toEqual(oks(40));
    // 40 outcomes in four seconds.
    expect(instants.length).toBeGreaterThan(1);
    expect(instants.length).toBeLessThan(5);
    for (const [i, at] of instants.entries())
      if (i > 0) expect(at - (instants[i - 1] as number)).toBeGreaterThanOrEqual(STATISTICS_GAP_MS);
    await app.drain();
  });

  test('what comes again is acknowledged and changes nothing', async () => {
    const house = learnHouse();
    const app = await house.started();
    await house.hear(app, head(5));
    const before = await house.generation();
    expect(await house.hear(app, [...head(5), ...head(5)])).toEqual(oks(10));
    expect(await house.generation()).toBe(before);
    expect(await metric(app, 'aurora_learn_lessons_total{result="duplicate"}')).toEqual([
      'aurora_learn_lessons_total{result="duplicate"} 10',
    ]);
    await app.drain();
  });

  test('what teaches nothing is acknowledged and counted by its reason', async () => {
    const house = learnHouse();
    const app = await house.started();
    const [first] = OUTCOMES as [Outcome];
    const features = first.features;
    if (features === null) throw new Error('no features');
    const outcomes = [
      other(first, { decision_id: 'a', features: null }),
      other(first, { decision_id: 'b', features: { ...features, set: 'router-0' } }),
      other(first, { decision_id: 'c', status: 'cancelled' }),
      other(first, { decision_id: 'd', status: 'failed', blame: 'tenant' }),
      other(first, { decision_id: 'e', status: 'failed', blame: 'ours' }),
    ];
    expect(await house.hear(app, outcomes)).toEqual(oks(5));
    expect((await house.statistics()).learner.observations).toBe(0);
    const counted = await metric(app, 'aurora_learn_lessons_total');
    expect(counted).toContain('aurora_learn_lessons_total{result="no_features"} 1');
    expect(counted).toContain('aurora_learn_lessons_total{result="other_features"} 1');
    await app.drain();
  });

  test('ready first or last: the run is not waited for twice', async () => {
    const [completed] = OUTCOMES.filter(({ status }) => status === 'completed') as [Outcome];
    const ready = other(completed, { sequence: 0, status: 'ready', final: false });
    for (const order of [
      [ready, completed],
      [completed, ready],
    ]) {
      const house = learnHouse();
      const app = await house.started();
      for (const outcome of order) expect(await house.hear(app, [outcome])).toEqual([204]);
      const { learner } = await house.statistics();
      expect([learner.observations, learner.running.size]).toEqual([1, 0]);
      await app.drain();
    }
  });

  test('GET /ready waits for the statistics, and so do outcomes: 503 when they do not come', async () => {
    const house = learnHouse();
    const app = house.instance({ mortal: true });
    house.deaths.killAt(1, 'before');
    await app.start();
    expect((await app.handle(aRequest({ path: '/ready' }))).status).toBe(503);
    expect(await house.hear(app, head(1))).toEqual([503]);
    house.deaths.revive();
    await house.passing(house.ready(app));
    expect(await house.hear(app, head(1))).toEqual([204]);
    await app.drain();
  });
});

describe('kill and start', () => {
  test('killed at any step, before or after its effect: nothing is lost, nothing counts twice, the posterior is put right', async () => {
    let died = true;
    for (let step = 1; died; step++)
      for (const when of ['before', 'after'] as const) {
        const house = learnHouse();
        const first = await house.started({ mortal: true });
        house.deaths.killAt(step, when);
        const answers = [...(await house.hear(first, head(2))), ...(await house.hear(first, OUTCOMES.slice(2, 4)))];
        died = house.deaths.revive();
        const second = await house.started();
        expect((await house.posterior()).statisticsGeneration, `${when} ${step}`).toBe(await house.generation());
        const acknowledged = answers.filter((status) => status === 204).length;
        expect((await house.statistics()).learner.observations).toBeGreaterThanOrEqual(acknowledged);
        expect(await house.hear(second, head(4))).toEqual(oks(4));
        expect((await house.statistics()).learner.observations).toBe(4);
        await second.drain();
      }
  });

  test('a damaged posterior is written anew from the statistics', async () => {
    const house = learnHouse();
    const first = await house.started();
    await house.hear(first, head(4));
    await first.drain();
    house.objects.corrupt(posteriorObject(LINEAR), new Uint8Array([1, 2, 3]));
    const second = await house.started();
    expect((await house.posterior()).posterior.observations).toBe(4);
    await second.drain();
  });

  test('without statistics they are built from the record, and what then comes from the bus is known', async () => {
    const house = learnHouse({ atMs: NOW });
    house.record.add(OUTCOMES, NOW);
    const app = await house.started();
    expect((await house.statistics()).learner.observations).toBe(40);
    const before = await house.generation();
    expect(await house.hear(app, head(10))).toEqual(oks(10));
    expect(await house.generation()).toBe(before);
    await app.drain();
  });

  test('damaged statistics are built anew from the record, also when they are damaged while it runs', async () => {
    const house = learnHouse({ atMs: NOW });
    house.record.add(OUTCOMES, NOW);
    await (await house.started()).drain();
    house.objects.corrupt(statisticsObject(LINEAR), new Uint8Array([1, 2, 3]));
    const app = await house.started();
    expect((await house.statistics()).learner.observations).toBe(40);
    await house.objects.write(statisticsObject(LINEAR), new Uint8Array([4]), {});
    const late = [other(OUTCOMES[0] as Outcome, { decision_id: 'late', observed_at: rfc3339(NOW) })];
    expect(await house.hear(app, late)).toEqual([503]);
    await house.clock.advance(5_000);
    expect(await house.hear(app, late)).toEqual([204]);
    expect((await house.statistics()).learner.observations).toBe(41);
    await app.drain();
  });
});

test('two instances share one object: each outcome once, whoever hears it, however often', async () => {
  const house = learnHouse();
  const [a, b] = [await house.started(), await house.started()];
  const answers: Promise<number>[] = [];
  for (const [i, outcome] of OUTCOMES.entries()) {
    answers.push(deliver(i % 2 === 0 ? a : b, routingOutcome, outcome));
    if (i % 3 === 0) answers.push(deliver(i % 2 === 0 ? b : a, routingOutcome, outcome));
    await house.clock.advance(300);
  }
  expect(new Set(await house.passing(Promise.all(answers)))).toEqual(new Set([204]));
  const { learner } = await house.statistics();
  expect(learner.observations).toBe(40);
  expect(await metric(a, 'aurora_learn_conflicts_total')).not.toEqual(['aurora_learn_conflicts_total 0']);
  await Promise.all([a.drain(), b.drain()]);
});

describe('the thread', () => {
  test('learns as it would here', async () => {
    const [there, here] = [learnHouse(), learnHouse()];
    for (const [house, study] of [
      [there, studyInThread()],
      [here, hereStudy()],
    ] as const) {
      const app = await house.started({ study });
      await house.clock.advance(STATISTICS_GAP_MS);
      // The thread's time is not the clock's: it stands until the thread has answered.
      expect(
        await house.standing(Promise.all(OUTCOMES.map((outcome) => deliver(app, routingOutcome, outcome)))),
      ).toEqual(oks(40));
      await app.drain();
    }
    const [a, b] = [
      loadPosterior((await there.posterior()).posterior),
      loadPosterior((await here.posterior()).posterior),
    ];
    const { features } = OUTCOMES[0] as Outcome;
    if (features === null) throw new Error('no features');
    expect(a.estimate(features, NO_RECORD, NOW)).toEqual(b.estimate(features, NO_RECORD, NOW));
  });

  test('ends: what was under way comes again, and another thread goes on from what was written', async () => {
    const study = studyInThread();
    const opened = { name: LINEAR, statistics: null, model: null };
    await study.open(opened);
    // A name that is not open is a bug of the caller's, and ends the thread.
    await expect(study.take('nobody', [])).rejects.toMatchObject({ code: 'internal' });
    expect(await study.open(opened)).toEqual({ observations: 0, newestMs: null, drifting: [] });
    await study.stop();
    await expect(study.open(opened)).rejects.toMatchObject({ code: 'draining' });
  });
});
