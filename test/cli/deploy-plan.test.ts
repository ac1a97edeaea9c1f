/** What a release does next: over every order of faults and kills, in a world that is only thought. */
import { readFileSync } from 'node:fs';
import { parse } from '@cdktf/hcl2json';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DEPLOYED, type Deployed } from '#cli/dev/bundle.ts';
import { type Judged, judge, type Seen, seenIn } from '#cli/dev/deploy/judge.ts';
import {
  after,
  type Goal,
  type Memory,
  nextStep,
  type ServiceState,
  type Step,
  type World,
} from '#cli/dev/deploy/plan.ts';
import { ORDER, serviceName, TRAINING_JOB } from '#cli/dev/deploy/services.ts';
import { SUBSCRIPTIONS } from '#shared/topology.ts';
import { testCases } from '#test/support/cases.ts';

const service = (name: string): ServiceState => ({
  name: `aurora-${name}`,
  image: 'old',
  latest: `${name}-1`,
  latestReady: `${name}-1`,
  split: { [`${name}-1`]: 100 },
  explicit: false,
  tags: {},
  url: '',
  audience: null,
  callers: [],
});
const START: World = { services: Object.fromEntries(ORDER.map((name) => [name, service(name)])), jobImage: 'old' };
const GOAL: Goal = { image: 'new', order: ORDER, percent: 10 };
const BLANK: Memory = { asked: new Set(), watched: new Set(), failure: null, given: new Set() };

const learnt = (memory: Memory, step: Step): Memory => {
  if (step.kind === 'ask') return { ...memory, asked: new Set([...memory.asked, step.revision]) };
  return step.kind === 'watch' ? { ...memory, watched: new Set([...memory.watched, step.revision]) } : memory;
};

/** A run of so many steps at most; `fails`: the step that does not do what it should. */
function run(
  world: World,
  limit: number,
  fails = Number.POSITIVE_INFINITY,
  seen: (world: World, step: Step) => void = () => undefined,
): World {
  let [now, memory] = [world, BLANK];
  for (let taken = 0; taken < limit; taken += 1) {
    const step = nextStep(now, GOAL, memory);
    if (step === null) return now;
    seen(now, step);
    if (taken === fails) memory = { ...memory, failure: 'so it is' };
    else [now, memory] = [after(now, step, GOAL), learnt(memory, step)];
  }
  return now;
}
const STEPS = (() => {
  let count = 0;
  run(START, 1_000, undefined, () => (count += 1));
  return count;
})();

/** Per cent of the traffic of each, in order, that the newest revision has. */
const shares = ({ services }: World): number[] => ORDER.map((name) => services[name]?.split[`${name}-1+`] ?? 0);

describe('a release', () => {
  test('ends with the new image everywhere, written out, without tags', () => {
    const end = run(START, 1_000);
    expect(shares(end)).toEqual(ORDER.map(() => 100));
    for (const state of Object.values(end.services))
      expect(state).toMatchObject({ image: 'new', explicit: true, tags: {} });
    expect(end.jobImage).toBe('new');
    expect(nextStep(end, GOAL, BLANK)).toBeNull();
  });

  test('that is killed, after whatever steps, however often, is ended by the next', () => {
    const kills = fc.array(fc.integer({ min: 0, max: STEPS }), { maxLength: 4 });
    fc.assert(
      fc.property(kills, (at) => {
        const world = at.reduce((now, steps) => run(now, steps), START);
        expect(run(world, 1_000)).toEqual(run(START, 1_000));
      }),
      { numRuns: testCases },
    );
  });

  test('that fails, after whatever kills, brings back what served before', () => {
    const kills = fc.array(fc.integer({ min: 0, max: STEPS }), { maxLength: 3 });
    fc.assert(
      fc.property(kills, fc.nat(), (at, n) => {
        const world = at.reduce((now, steps) => run(now, steps), START);
        // The job is the last step that can fail; from there on nothing goes back.
        fc.pre(world.jobImage === 'old');
        const steps: Step[] = [];
        run(world, 1_000, undefined, (_, step) => steps.push(step));
        const end = run(world, 1_000, n % (1 + steps.findIndex(({ kind }) => kind === 'job')));
        for (const name of ORDER) {
          expect(end.services[name]?.split).toEqual({ [`${name}-1`]: 100 });
          expect(end.services[name]?.tags).toEqual({});
        }
        expect(end.jobImage).toBe('old');
      }),
      { numRuns: testCases },
    );
  });

  test('moves no traffic before all are asked, and none of who speaks before who hears has it all', () => {
    const asked = new Set<string>();
    run(START, 1_000, undefined, (world, step) => {
      if (step.kind === 'ask') asked.add(step.service);
      if (step.kind === 'split') expect(asked.size).toBe(ORDER.length);
      const now = shares(world);
      for (const [i, share] of now.entries())
        if (share > 0) expect(now.slice(0, i).every((earlier) => earlier === 100)).toBe(true);
    });
  });

  test('of new settings with the same image is a release too', () => {
    const settled = run(START, 1_000);
    const changed = { ...service('score'), image: 'new', latest: 'score-2', latestReady: 'score-2', explicit: true };
    const world = { ...settled, services: { ...settled.services, score: changed } };
    expect(nextStep(world, GOAL, BLANK)).toEqual({ kind: 'create', service: 'score' });
  });

  test('of a service that never came up gives it all of the traffic at once', () => {
    const services = { ...START.services, ingest: { ...service('ingest'), split: { '': 100 } } };
    const split: Step[] = [];
    run({ ...START, services }, 1_000, undefined, (_, step) => {
      if (step.kind === 'split' && step.service === 'ingest') split.push(step);
    });
    expect(split.map((step) => step.kind === 'split' && step.split)).toEqual([
      { 'ingest-1+': 100 },
      { 'ingest-1+': 100 },
    ]);
  });
});

test('service and job are called as terraform calls them', async () => {
  const hcl = async (file: string): Promise<Record<string, unknown>> =>
    (await parse(file, readFileSync(new URL(`../../terraform/${file}`, import.meta.url), 'utf8'))) as Record<
      string,
      unknown
    >;
  const service = (await hcl('modules/function/main.tf')) as {
    resource: { google_cloud_run_v2_service: { this: [{ name: string }] } };
  };
  expect(service.resource.google_cloud_run_v2_service.this[0].name).toBe(serviceName(`\${var.name}`));
  expect(await hcl('aurora/job.tf')).toMatchObject({ locals: [{ training_job: TRAINING_JOB }] });
});

describe('the order', () => {
  test('holds every function of the image', () => {
    expect([...ORDER].sort()).toEqual([...DEPLOYED].sort());
  });

  test('has who hears before who speaks', async () => {
    const file = new URL('../../terraform/aurora/topology.tf', import.meta.url);
    const { locals } = (await parse('topology.tf', readFileSync(file, 'utf8'))) as {
      locals: { own?: Record<string, { publishes?: string[] }> }[];
    };
    const own = locals.find((block) => block.own !== undefined)?.own ?? {};
    const pairs = ORDER.flatMap((speaker) =>
      (own[speaker]?.publishes ?? []).flatMap((topic) =>
        SUBSCRIPTIONS.filter((subscription) => subscription.topic === topic).map(
          ({ function: hearer }) => [hearer, speaker] as const,
        ),
      ),
    ).filter(([hearer, speaker]) => hearer !== speaker && DEPLOYED.some((name) => name === hearer));
    expect(pairs).toContainEqual(['learn', 'promote']);
    const place = (name: string): number => ORDER.indexOf(name as Deployed);
    for (const [hearer, speaker] of pairs)
      expect(place(hearer), `${hearer} hears ${speaker}`).toBeLessThan(place(speaker));
    // Over HTTP.
    expect(place('score')).toBeLessThan(place('route'));
  });
});

describe('a revision', () => {
  const seen = (requests: number, errors: number, p95Ms: number | null): Seen => ({ requests, errors, p95Ms });
  test.each<[string, Seen, Seen, Judged['verdict']]>([
    ['as good as the other', seen(100, 0, 50), seen(900, 0, 50), 'fine'],
    ['that nobody asks', seen(0, 0, null), seen(0, 0, null), 'quiet'],
    ['that few ask', seen(19, 2, 50), seen(171, 0, 50), 'quiet'],
    ['that fails few, and always', seen(3, 3, 50), seen(27, 0, 50), 'worse'],
    ['that fails as the other does', seen(100, 10, 50), seen(900, 90, 50), 'fine'],
    ['that fails more', seen(100, 12, 50), seen(900, 45, 50), 'worse'],
    ['that is slower', seen(100, 0, 251), seen(900, 0, 100), 'worse'],
    ['that is a little slower', seen(100, 0, 249), seen(900, 0, 100), 'fine'],
    ['that is slower in its first requests', seen(59, 0, 900), seen(900, 0, 100), 'fine'],
    ['that has nobody to be held against', seen(100, 0, 900), seen(0, 0, null), 'fine'],
  ])('%s', (_, now, before, verdict) => {
    expect(judge(now, before).verdict).toBe(verdict);
  });

  test('is known by its lines in the request log', () => {
    const line = (status: number, latency: string): object => ({ httpRequest: { status, latency } });
    const lines = [line(200, '0.010s'), line(503, '1.5s'), line(404, '0.020s'), {}];
    expect(seenIn(JSON.stringify(lines))).toEqual({ requests: 4, errors: 1, p95Ms: 1500 });
  });
});
