/** The deployment, against a gcloud of our own on the PATH: processes, words, exit codes and HTTP are real, Cloud Run is not. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { deploy } from '#cli/dev/deploy/command.ts';
import { createGcloud, type Gcloud } from '#cli/dev/deploy/gcloud.ts';
import { ORDER, serviceName } from '#cli/dev/deploy/services.ts';
import { compiledBefore } from '#test/support/child.ts';
import { type GcloudFake, imageOf, REGISTRY, startGcloudFake } from '#test/support/gcloud.ts';

const NEW = imageOf('1');
const WHERE = ['--project', 'aurora-test', '--region', 'europe-west1'];
const WORDS = ['--image', NEW, ...WHERE];

let fake: GcloudFake;
beforeEach(async () => {
  fake = await startGcloudFake(ORDER);
});
afterEach(() => fake.close());

const path = (): string => `${fake.bin}:${process.env['PATH']}`;

/** In this process, and without processes of gcloud; time passes at once. */
const run = (...words: readonly string[]) => runWith(() => fake.gcloud, words);

async function runWith(gcloud: (deadlineMs: number) => Gcloud, words: readonly string[]) {
  let now = Date.UTC(2026, 0, 1);
  const [out, notes]: [string[], string[]] = [[], []];
  const code = await deploy(words, {
    gcloud,
    now: () => now,
    sleep: async (ms) => {
      now += ms;
    },
    out: (line) => out.push(line),
    note: (line) => notes.push(line),
  });
  return { code, out: out.join('\n'), notes: notes.join('\n'), passedMs: now - Date.UTC(2026, 0, 1) };
}

const revision = (name: string, nth: number): string => `${serviceName(name)}-${String(nth).padStart(5, '0')}`;
/** What follows the newest revision, where nothing has been written out yet, goes to that. */
const trafficOf = (name: string) => {
  const { traffic = [], revisions = [] } = fake.services.get(serviceName(name)) ?? {};
  return traffic.map((entry) => (entry.revision === 'LATEST' ? { ...entry, revision: revisions.at(-1)?.name } : entry));
};
const allServe = (nth: number): void => {
  for (const name of ORDER) expect(trafficOf(name), name).toEqual([{ revision: revision(name, nth), percent: 100 }]);
};
/** Calls that change something, as function and shares, tag or image. */
const changes = (): string[] =>
  fake.calls
    .filter((words) => words[2]?.startsWith('update') || words[2] === 'update')
    .map((words) =>
      words
        .slice(3)
        .filter((word) => !WHERE.includes(word))
        .join(' ')
        .replaceAll(NEW, 'NEW'),
    );

describe('a release', () => {
  test('makes every revision without traffic, asks it, and moves the traffic in order', async () => {
    fake.requests = () => Array.from({ length: 100 }, () => [200, 0.05]);
    const { code, out, notes, passedMs } = await run(...WORDS, '--watch-seconds', '90', '--json');
    expect(notes).not.toContain('failed');
    expect(code).toBe(0);
    expect(JSON.parse(out)).toEqual({
      result: 'done',
      image: NEW,
      failure: null,
      open: [],
      serving: Object.fromEntries(ORDER.map((name) => [name, { [revision(name, 2)]: 100 }])),
    });
    expect(passedMs).toBe(ORDER.length * 90_000);
    const [old, young] = [(name: string) => revision(name, 1), (name: string) => revision(name, 2)];
    expect(changes()).toEqual([
      ...ORDER.map((name) => `${serviceName(name)} --image=NEW --no-traffic --tag=candidate`),
      ...ORDER.flatMap((name) => [
        `${serviceName(name)} --to-revisions=${old(name)}=90,${young(name)}=10 --update-tags=before=${old(name)}`,
        `${serviceName(name)} --to-revisions=${young(name)}=100`,
      ]),
      'aurora-train-job --image=NEW',
      ...ORDER.map((name) => `${serviceName(name)} --to-revisions=${young(name)}=100 --remove-tags=candidate,before`),
    ]);
    allServe(2);
    expect(fake.jobImage).toBe(NEW);
  });

  test('of what serves already changes nothing', async () => {
    await run(...WORDS, '--watch-seconds', '0');
    const before = changes().length;
    expect((await run(...WORDS)).code).toBe(0);
    expect(changes()).toHaveLength(before);
  });

  test('by a tag is one by the digest that the tag has now', async () => {
    const { code } = await run('--image', `${REGISTRY}:build-1`, ...WHERE, '--watch-seconds', '0');
    expect(code).toBe(0);
    expect(fake.services.get('aurora-score')?.revisions.at(-1)?.image).toBe(NEW);
  });

  test('that is only to be planned says every command and changes nothing', async () => {
    const { code, out } = await run(...WORDS, '--dry-run', '--json');
    expect(code).toBe(0);
    const { result, steps } = JSON.parse(out) as { result: string; steps: { says: string; command: string }[] };
    expect(result).toBe('planned');
    expect(steps.filter(({ command }) => command.includes('--no-traffic'))).toHaveLength(ORDER.length);
    expect(changes()).toEqual([]);
  });
});

describe('a release that fails', () => {
  test.each<[string, Pick<GcloudFake, 'answers'> | Pick<GcloudFake, 'fault'>, string]>([
    [
      'does not answer',
      { answers: ({ image }) => (image === NEW ? { status: 500, body: {} } : null) },
      'expected 200 of',
    ],
    [
      'is another function',
      {
        answers: ({ image }, path_) =>
          image === NEW && path_ === '/health' ? { status: 200, body: { function: 'x' } } : null,
      },
      'got 200 of x',
    ],
    [
      'is not ready, while what serves is',
      {
        answers: ({ image }, path_) =>
          image === NEW && path_ === '/ready' ? { status: 503, body: { waiting_for: ['offers'] } } : null,
      },
      'expected 200, got 503 offers',
    ],
    [
      'takes what it must refuse',
      { answers: ({ image }, path_) => (image === NEW && path_ === '/route' ? { status: 200, body: {} } : null) },
      'route: POST /route: expected body_invalid or unauthorized or forbidden, got 200',
    ],
  ])('at the question, for a revision %s: moves no traffic', async (_, what, words) => {
    Object.assign(fake, what);
    const { code, out } = await run(...WORDS);
    expect(code).toBe(1);
    expect(out).toContain(words);
    expect(out).toContain('failed; what served before serves');
    expect(changes().filter((change) => /=10\b/.test(change))).toEqual([]);
    allServe(1);
  });

  test('under its share, by errors: everything goes back, the last first', async () => {
    fake.requests = (name) =>
      Array.from({ length: 100 }, (_, i) => [name === revision('train', 2) && i < 9 ? 503 : 200, 0.05]);
    const { code, out } = await run(...WORDS);
    expect(code).toBe(1);
    expect(out).toContain(`${revision('train', 2)}: more errors: 100 requests, 9 errors`);
    allServe(1);
    const back = changes().filter((change) => change.includes('--remove-tags'));
    expect(back.map((change) => change.split(' ')[0])).toEqual(ORDER.toReversed().map(serviceName));
    expect(fake.jobImage).toBe(imageOf('0'));
  });

  test('under its share, by its own answers', async () => {
    const started = (): boolean => fake.calls.some((call) => call.join(' ').includes(`${revision('ingest', 2)}=10`));
    fake.answers = ({ name }, path_) =>
      name === revision('ingest', 2) && path_ === '/health' && started() ? { status: 500, body: {} } : null;
    const { code, out } = await run(...WORDS);
    expect([code, out]).toEqual([1, expect.stringContaining('ingest: GET /health: expected 200 of ingest, got 500')]);
    allServe(1);
  });

  // The job is the last that changes, and what it does is not known to have been undone.
  test.each(['fails', 'fails when done'] as const)(
    'because gcloud %s, at any change: what served before serves',
    async (fault) => {
      const points = ['--no-traffic', '=10 ', '=100 ', 'run jobs update'];
      for (const point of points) {
        await fake.close();
        fake = await startGcloudFake(ORDER);
        let failures = 0;
        fake.fault = (words) => (`${words.join(' ')} `.includes(point) && failures++ === 0 ? fault : null);
        const { code, out } = await run(...WORDS, '--watch-seconds', '0');
        expect(failures, point).toBeGreaterThan(0);
        expect([code, out], point).toEqual([1, expect.stringMatching(/network is away|reset/)]);
        allServe(1);
      }
    },
  );

  test('because gcloud hangs, and nobody waits for it for ever', async () => {
    fake.fault = (words) => (words.join(' ').includes('=10 ') ? 'hangs' : null);
    const { code, out } = await runWith(
      (ms) => createGcloud(ms, { PATH: path() }),
      [...WORDS, ...['--watch-seconds', '0', '--deadline-seconds', '1']],
    );
    expect(code).toBe(1);
    expect(out).toMatch(/because: gcloud run services update-traffic aurora-ingest .*: not done after 1 s/);
    allServe(1);
  });

  test('and cannot go back says what is left to do', async () => {
    fake.requests = (name) => (name === revision('ingest', 2) ? Array.from({ length: 20 }, () => [500, 1]) : []);
    fake.fault = (words) => (words.includes(`--to-revisions=${revision('ingest', 1)}=100`) ? 'fails' : null);
    const { code, out } = await run(...WORDS);
    expect(code).toBe(3);
    expect(out).toContain(
      `gcloud run services update-traffic aurora-ingest --to-revisions=${revision('ingest', 1)}=100 --remove-tags=candidate,before`,
    );
    fake.fault = () => null;
    expect((await run('--back', ...WHERE)).code).toBe(0);
    allServe(1);
  });

  test('at clearing up has served all the same', async () => {
    fake.fault = (words) => (words.some((word) => word.startsWith('--remove-tags')) ? 'fails' : null);
    const { code, out } = await run(...WORDS, '--watch-seconds', '0', '--json');
    expect(code).toBe(3);
    expect(JSON.parse(out)).toMatchObject({
      result: 'open',
      failure: null,
      serving: { route: { [revision('route', 2)]: 100 } },
    });
    fake.fault = () => null;
    expect((await run(...WORDS)).code).toBe(0);
    allServe(2);
  });
});

describe('a release is refused', () => {
  test.each<[string, readonly string[], number, string]>([
    ['without an image', WHERE, 64, '--image: expected an image with its digest or a tag, got ""'],
    ['with another option', [...WORDS, '--fast'], 64, '--fast'],
    ['with a share that is none', [...WORDS, '--percent', '0'], 64, 'from 1 to 99, got "0"'],
    ['of a tag that is not there', ['--image', `${REGISTRY}:build-2`, ...WHERE], 2, 'Image not found'],
    [
      'as somebody who may not call',
      [...WORDS, '--caller', 'me@example.com'],
      2,
      'no service lets me@example.com call',
    ],
  ])('%s', async (_, words, code, says) => {
    const { code: ended, notes } = await run(...words);
    expect([ended, notes]).toEqual([code, expect.stringContaining(says)]);
    expect(changes()).toEqual([]);
  });

  test('of a service that terraform has not made', async () => {
    fake.services.delete('aurora-learn');
    const { code, out } = await run(...WORDS, '--json');
    expect(code).toBe(2);
    expect(JSON.parse(out)).toMatchObject({ result: 'refused', error: { code: 'deployment_refused' } });
  });

  test('without gcloud, and says where it is to be had', async () => {
    const empty = await mkdtemp(join(tmpdir(), 'aurora-empty-'));
    onTestFinished(() => rm(empty, { recursive: true }));
    const { code, said } = await child([...WORDS], { PATH: empty });
    expect(code).toBe(2);
    expect(said).toContain('gcloud_unavailable: there is no gcloud on the PATH');
    expect(said).toContain('https://cloud.google.com/sdk/docs/install');
  });
});

/** In a process of its own, as npm run deploy. */
async function child(words: readonly string[], given: NodeJS.ProcessEnv = { PATH: path() }) {
  const env = { ...compiledBefore(), ...given };
  const script = fileURLToPath(new URL('../../cli/dev/deploy.ts', import.meta.url));
  const process_ = spawn(process.execPath, [script, ...words], { stdio: ['ignore', 'pipe', 'pipe'], env });
  const ended = once(process_, 'close');
  const [out, said] = await Promise.all([text(process_.stdout), text(process_.stderr)]);
  const [code, signal] = (await ended) as [number | null, string | null];
  return { code, signal, out, said };
}

// At every other point: test/cli/deploy-plan.test.ts.
describe('a release that was killed', () => {
  test.each([
    ['while a revision was made', '--no-traffic', 'caller killed when done'],
    ['before a share was moved', '=10 ', 'caller killed'],
    ['after all of it was moved', '=100 ', 'caller killed when done'],
  ] as const)('%s is gone on with by the next', async (_, point, fault) => {
    let killed = 0;
    fake.fault = (words) => (words.join(' ').includes(point) && ++killed === 1 ? fault : null);
    const words = [...WORDS, '--watch-seconds', '0'];
    expect((await child(words)).signal).toBe('SIGKILL');
    expect((await run(...words)).code).toBe(0);
    allServe(2);
    expect(fake.jobImage).toBe(NEW);
    // None was made twice.
    for (const { revisions } of fake.services.values()) expect(revisions).toHaveLength(2);
  });
});
