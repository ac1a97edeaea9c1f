import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AgentAnswer } from '#cli/agent/protocol.ts';
import { type AgentOptions, createAgentSession } from '#cli/agent/session.ts';
import { testCases } from '#test/support/cases.ts';

const ONLINE: AgentOptions = {
  seed: 1,
  stage: 'online',
  exploration: { budget: 0.01, share: 0.25, floor: 0.01 },
  train: null,
};
const at = (minutes: number): string => new Date(Date.UTC(2026, 0, 1) + minutes * 60_000).toISOString();
const bytes = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value));

function talk(options: AgentOptions = ONLINE): (value: unknown) => Promise<AgentAnswer | null> {
  const session = createAgentSession(options);
  let line = 0;
  return (value) => session.handle(bytes(value), ++line);
}

const request = (id: string, more: object = {}): object => ({
  request_id: id,
  workload_type: 'Protein folding',
  gpu_type: 'Brick 9',
  region: 'The Moon',
  gpu_hours: 2,
  ...more,
});
const offer = (provider: string, more: object = {}): object => ({
  provider,
  offer_id: `${provider}-1`,
  gpu_type: 'Brick 9',
  region: 'The Moon',
  usd_per_gpu_hour: 0.5,
  latency_ms: 200,
  reputation: 80,
  capacity_gpu_hours: 50,
  capacity_total_gpu_hours: 100,
  ...more,
});
const OFFERS = [offer('Good Co'), offer('Bad Co')];
const route = (id: string, minutes: number, more: object = {}, offers: unknown = OFFERS): object => ({
  type: 'route',
  at: at(minutes),
  request: request(id, more),
  offers,
});

/** Good Co always completes, Bad Co never starts. */
async function teach(say: (value: unknown) => Promise<AgentAnswer | null>, decisions: number): Promise<AgentAnswer[]> {
  const answers: AgentAnswer[] = [];
  for (let i = 0; i < decisions; i++) {
    const answer = await say(route(`r${i}`, 10 * i));
    if (answer?.type !== 'decision') throw new Error(JSON.stringify(answer));
    answers.push(answer);
    const base = { type: 'outcome', decision_id: answer.decision_id };
    if (answer.provider === 'Bad Co')
      await say({ ...base, at: at(10 * i + 3), status: 'failed_to_start', blame: 'provider' });
    else {
      await say({ ...base, at: at(10 * i + 2), status: 'ready', ready_ms: 120_000, latency_ms: 210 });
      await say({
        ...base,
        at: at(10 * i + 9),
        status: 'completed',
        exposure_hours: 2,
        effective_usd_per_gpu_hour: 0.52,
      });
    }
  }
  return answers;
}

describe('vm agent', () => {
  it('answers a decision in the words of the line, with the whole distribution', async () => {
    const answer = await talk()(route('r1', 0));
    expect(answer).toMatchObject({
      type: 'decision',
      request_id: 'r1',
      decision_id: expect.stringMatching(/^[0-9a-f]{32}$/),
      provider: expect.stringMatching(/^(Good|Bad) Co$/),
      mode: 'online',
      model_version: 'linear',
      expected_utility: expect.any(Number),
    });
    if (answer?.type !== 'decision') throw new Error('no decision');
    expect(Object.keys(answer.probabilities).sort()).toEqual(['Bad Co-1', 'Good Co-1']);
    expect(Object.values(answer.probabilities).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12);
    expect(answer.propensity).toBe(answer.probabilities[answer.offer_id]);
  });

  it('learns within tens of decisions, and keeps a known chance for the other', async () => {
    const answers = await teach(talk(), 120);
    const late = answers.slice(60).filter((answer) => answer.type === 'decision' && answer.provider === 'Good Co');
    expect(late.length).toBeGreaterThanOrEqual(55);
    const last = answers.at(-1);
    if (last?.type !== 'decision') throw new Error('no decision');
    expect(Math.min(...Object.values(last.probabilities))).toBeGreaterThan(0);
  });

  it('is a function of its lines and its seed', async () => {
    expect(await teach(talk(), 60)).toEqual(await teach(talk(), 60));
    const other = await teach(talk({ ...ONLINE, seed: 2 }), 60);
    expect(other).not.toEqual(await teach(talk(), 60));
  });

  it('never explores on a critical request', async () => {
    const say = talk();
    await teach(say, 60);
    const answer = await say(route('c', 10_000, { priority: 'critical' }));
    expect(answer).toMatchObject({ provider: 'Good Co', propensity: 1 });
  });

  it('as an apprentice lets the rules act, softened by epsilon', async () => {
    const cheap = [offer('Dear', { usd_per_gpu_hour: 2 }), offer('Cheap', { usd_per_gpu_hour: 0.1 })];
    const answer = await talk({ ...ONLINE, stage: 'apprentice' })(route('r1', 0, {}, cheap));
    expect(answer).toMatchObject({ mode: 'apprentice' });
    if (answer?.type !== 'decision') throw new Error('no decision');
    // Four fifths of the exploration go where the apprentice would go, which knows nothing yet but the price; one is spread evenly.
    expect(answer.probabilities['Cheap-1']).toBeGreaterThan(0.98);
    expect(answer.probabilities['Dear-1']).toBeGreaterThan(0.005);
  });

  it('says why nothing fits', async () => {
    const answer = await talk()(route('r1', 0, { max_price: 0.1 }));
    expect(answer).toMatchObject({
      type: 'no_offer',
      request_id: 'r1',
      excluded: [
        { offer_id: expect.any(String), reason: 'price' },
        { offer_id: expect.any(String), reason: 'price' },
      ],
    });
  });

  it('answers a retry as before, and refuses another request under the same id', async () => {
    const say = talk();
    const first = await say(route('r1', 0));
    expect(await say(route('r1', 5))).toEqual(first);
    expect(await say(route('r1', 5, { gpu_hours: 3 }))).toMatchObject({
      type: 'error',
      line: 3,
      code: 'request_conflict',
    });
  });

  it('takes a final outcome once, whatever comes after it', async () => {
    const say = talk();
    const answer = await say(route('r1', 0));
    if (answer?.type !== 'decision') throw new Error('no decision');
    const ended = { type: 'outcome', at: at(5), decision_id: answer.decision_id, status: 'completed' };
    for (let i = 0; i < 3; i++) expect(await say(ended)).toBeNull();
    expect(await say({ type: 'flush' })).toMatchObject({
      type: 'state',
      decisions: 1,
      outcomes: 1,
      observations: 1,
      open: 0,
    });
  });

  it("learns nothing from the tenant's fault, our own, or a cancelled run", async () => {
    const say = talk();
    for (const [i, fault] of [
      { status: 'failed_to_start', blame: 'tenant' },
      { status: 'failed', blame: 'ours' },
      { status: 'cancelled' },
    ].entries()) {
      const answer = await say(route(`r${i}`, i));
      if (answer?.type !== 'decision') throw new Error('no decision');
      await say({ type: 'outcome', at: at(i), decision_id: answer.decision_id, ...fault });
    }
    expect(await say({ type: 'flush' })).toMatchObject({ decisions: 3, observations: 0, open: 0 });
  });

  it.each([
    ['not JSON', 'body_invalid', '{'],
    ['another type', 'body_invalid', { type: 'dance' }],
    ['no instant', 'body_invalid', { type: 'route', request: request('r'), offers: OFFERS }],
    ['no request id', 'body_invalid', { ...route('r', 0), request: { ...request('r'), request_id: undefined } }],
    ['an offer twice', 'body_invalid', route('r', 0, {}, [offer('A'), offer('A')])],
    ['a price of zero', 'body_invalid', route('r', 0, {}, [offer('A', { usd_per_gpu_hour: 0 })])],
    ['an unknown decision', 'not_found', { type: 'outcome', at: at(0), decision_id: 'x', status: 'completed' }],
  ])('tells %s by its line and goes on', async (_name, code, line) => {
    const say = talk();
    await say(route('before', 0));
    expect(await say(line)).toMatchObject({ type: 'error', line: 2, code, message: expect.stringMatching(/.{5}/) });
    expect(await say(route('after', 1))).toMatchObject({ type: 'decision' });
  });

  it('answers or refuses any line, and goes on', async () => {
    const say = talk();
    let decided = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.json(),
          fc.string(),
          fc.record({ type: fc.constantFrom('route', 'outcome', 'flush') }, { requiredKeys: [] }),
        ),
        async (line) => {
          await say(line);
          expect(await say(route(`p${decided++}`, decided))).toMatchObject({ type: 'decision' });
        },
      ),
      { numRuns: testCases },
    );
  });
});
