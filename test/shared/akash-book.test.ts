import { describe, expect, test } from 'vitest';
import { TransientError } from '#shared/errors.ts';
import { awaitBid } from '#shared/providers/akash/bids.ts';
import { akashBook } from '#shared/providers/akash/book.ts';
import { PAGE_SIZE } from '#shared/providers/akash/calls.ts';
import { akashInstances } from '#shared/providers/akash/instances.ts';
import { akashMemory } from '#shared/providers/akash/memory.ts';
import type { ProviderCall, ProviderClient } from '#shared/providers/client.ts';
import { labelsOf } from '#shared/providers/labels.ts';
import { errorOf } from '#test/contract/providers-world.ts';
import { fakeClock } from '#test/support/clock.ts';

const OWNER = `akash1${'q'.repeat(38)}`;
const labels = labelsOf('0123abcd');
const context = { deadline: Number.POSITIVE_INFINITY };

interface Told {
  readonly dseq: string;
  /** Service that its provider names; null: it names none; absent: no lease. */
  readonly service?: string | null;
  /** Of the list: it does not show the lease yet. */
  readonly lags?: boolean;
  readonly ready?: boolean;
}

/** An account with these deployments, and what was asked of it. */
function account(given: readonly Told[]) {
  const there = new Map(given.map((one) => [one.dseq, one]));
  const asked: string[] = [];
  const refused = new Set<string>();
  const shown = ({ dseq, service, lags, ready = false }: Told, detail: boolean) => ({
    deployment: { id: { dseq }, state: 'active' },
    leases:
      service === undefined || (lags === true && !detail)
        ? []
        : [
            {
              id: { dseq, gseq: 1, oseq: 1, provider: OWNER },
              state: 'active',
              price: { denom: 'uact', amount: '1' },
              ...(detail
                ? {
                    status: {
                      services: service === null ? null : { [service]: { total: 1, available: ready ? 1 : 0 } },
                    },
                  }
                : {}),
            },
          ],
  });
  async function ask(call: ProviderCall<unknown>): Promise<unknown> {
    const dseq = call.path.split('/').at(-1) ?? '';
    asked.push(call.operation === 'list' ? `list ${call.query?.['skip']}` : `${call.operation} ${dseq}`);
    if (refused.has(call.operation)) throw new TransientError('provider_unavailable', call.operation);
    if (call.operation === 'list') {
      const [skip, limit] = [Number(call.query?.['skip']), Number(call.query?.['limit'])];
      const page = [...there.values()].slice(skip, skip + limit);
      const deployments = page.map((one) => shown(one, false));
      return call.answer.parse({ data: { deployments, pagination: { hasMore: skip + limit < there.size } } });
    }
    const one = there.get(dseq);
    if (call.operation === 'close') {
      there.delete(dseq);
      return one === undefined ? null : { data: { success: true } };
    }
    return one === undefined ? null : call.answer.parse({ data: shown(one, true) });
  }
  const clock = fakeClock();
  const client = { ask, askOrNull: ask } as unknown as ProviderClient;
  return { there, asked, refused, clock, book: akashBook(client, labels, clock) };
}

const ours = (n: number): string => labels.labelOf(`r-${n}`);

describe('the list of Akash', () => {
  const many = (count: number): readonly Told[] =>
    Array.from({ length: count }, (_, n) => ({ dseq: String(1_000 + n), service: ours(n) }));

  test('is read to its end, page over page, each once, oldest first', async () => {
    const { book, asked } = account([...many(450), { dseq: '99', service: ours(9) }]);
    const open = await book.open(context);
    expect(open.map(({ dseq }) => dseq)).toEqual(['99', ...many(450).map(({ dseq }) => dseq)]);
    expect(asked).toEqual(['list 0', `list ${PAGE_SIZE - 10}`, `list ${2 * (PAGE_SIZE - 10)}`]);
  });

  test('of which more was closed than pages overlap is not believed', async () => {
    const { book, there } = account(many(450));
    // Between the first page and the second.
    const size = there.size;
    const reading = book.open(context);
    for (const dseq of [...there.keys()].slice(0, 20)) there.delete(dseq);
    expect(there.size).toBe(size - 20);
    expect(await errorOf(reading)).toMatchObject({
      code: 'provider_answer_invalid',
      message: expect.stringContaining('expected page 2 to begin within the one before it'),
    });
  });

  test('of which fewer were closed is whole', async () => {
    const { book, there } = account(many(450));
    const reading = book.open(context);
    for (const dseq of [...there.keys()].slice(0, 5)) there.delete(dseq);
    const found = new Set((await reading).map(({ dseq }) => dseq));
    for (const dseq of there.keys()) expect(found.has(dseq)).toBe(true);
  });

  test('that never ends is not believed', async () => {
    const { book, asked } = account(many(20 * PAGE_SIZE));
    expect((await errorOf(book.open(context))).message).toMatch(/at most 20 pages of deployments/);
    expect(asked).toHaveLength(20);
  });
});

describe('whose a deployment is', () => {
  test('is asked once', async () => {
    const { book, asked } = account([
      { dseq: '1', service: ours(1) },
      { dseq: '2', service: 'somebody-else' },
    ]);
    for (const wanted of [ours(1), ours(2), ours(1)]) await book.labelled(await book.open(context), wanted, context);
    expect(asked.filter((call) => call.startsWith('deployment'))).toEqual(['deployment 1', 'deployment 2']);
  });

  test('that nobody says keeps others from being sure, for two minutes', async () => {
    const { book, clock } = account([
      { dseq: '1', service: null },
      { dseq: '2', service: ours(2) },
    ]);
    const look = async (label: string) => await book.labelled(await book.open(context), label, context);
    expect((await look(ours(2))).map(({ dseq }) => dseq)).toEqual(['2']);
    expect(await errorOf(look(ours(3)))).toMatchObject({
      code: 'provider_unavailable',
      message: expect.stringContaining('akash deployment 1: its provider does not say'),
    });
    await clock.advance(2 * 60_000);
    expect(await look(ours(3))).toEqual([]);
  });
});

describe('what has no lease', () => {
  const sweep = async ({ book }: ReturnType<typeof account>, by: 'mine' | 'anyone'): Promise<void> =>
    book.sweep(await book.open(context), by, context);

  test('is closed by the one writer at once, by others when nobody can be at work on it any more', async () => {
    const one = account([{ dseq: '1' }]);
    await sweep(one, 'anyone');
    await one.clock.advance(2 * 60_000 - 1);
    await sweep(one, 'anyone');
    expect([...one.there.keys()]).toEqual(['1']);
    await one.clock.advance(1);
    await sweep(one, 'anyone');
    expect([...one.there.keys()]).toEqual([]);

    const other = account([{ dseq: '1' }, { dseq: '2', service: ours(2) }]);
    await sweep(other, 'mine');
    expect([...other.there.keys()]).toEqual(['2']);
  });

  test('by a list that lags is looked at, and left', async () => {
    const one = account([{ dseq: '1', service: ours(1), lags: true }]);
    await sweep(one, 'mine');
    expect([...one.there.keys()]).toEqual(['1']);
    expect(one.asked.at(-1)).toBe('deployment 1');
  });

  test('though we have leased it, counts as leased', async () => {
    const one = account([{ dseq: '1', service: null, lags: true }]);
    one.book.memory.note('1', { label: ours(1), stage: 'leased' });
    await sweep(one, 'mine');
    const [found] = await one.book.labelled(await one.book.open(context), ours(1), context);
    expect(found === undefined ? null : [found.dseq, one.book.lives(found)]).toEqual(['1', true]);
    expect(one.asked.filter((call) => !call.startsWith('list'))).toEqual([]);
  });

  test('and is being leased here is left alone; what we could not close is closed by whoever passes', async () => {
    const one = account([{ dseq: '1' }, { dseq: '2' }]);
    one.book.memory.note('1', { stage: 'begun' });
    one.book.memory.note('2', { stage: 'forsaken' });
    await one.clock.advance(10 * 60_000);
    await sweep(one, 'anyone');
    expect([...one.there.keys()]).toEqual(['1']);
  });

  test('is closed by who passes a few at a time', async () => {
    const one = account(Array.from({ length: 20 }, (_, n) => ({ dseq: String(n + 1) })));
    for (const { dseq } of await one.book.open(context)) one.book.memory.note(dseq, {});
    await one.clock.advance(2 * 60_000);
    await sweep(one, 'anyone');
    expect(one.there.size).toBe(12);
    await sweep(one, 'mine');
    expect(one.there.size).toBe(0);
  });
});

describe('instances of Akash', () => {
  const tools = ({ book, clock }: ReturnType<typeof account>) =>
    akashInstances({ book, labels, hostClock: clock, aktUsd: null });

  test('are looked at until it is known whose they are and that they are ready', async () => {
    const one = account([
      { dseq: '1', service: ours(1), ready: true },
      { dseq: '2', service: ours(2) },
      { dseq: '3', service: 'theirs', ready: true },
    ]);
    const list = tools(one);
    const seen = async () => (await list(context)).map(({ request_id, state }) => [request_id, state]);
    const expected = [
      ['r-1', 'running'],
      ['r-2', 'provisioning'],
      [null, 'running'],
    ];
    expect(await seen()).toEqual(expected);
    expect(await seen()).toEqual(expected);
    expect(one.asked).toEqual(['list 0', 'deployment 1', 'deployment 2', 'deployment 3', 'list 0', 'deployment 2']);
  });

  test('are listed though none can be looked at, and all are in turn', async () => {
    const one = account(Array.from({ length: 150 }, (_, n) => ({ dseq: String(1_000 + n), service: ours(n) })));
    const list = tools(one);
    one.refused.add('deployment');
    expect((await list(context)).map(({ request_id }) => request_id)).toEqual(Array.from({ length: 150 }, () => null));
    one.refused.delete('deployment');
    for (const known of [64, 128, 150]) {
      const ids = (await list(context)).map(({ request_id }) => request_id);
      expect(ids.filter((id) => id !== null)).toHaveLength(known);
      await one.clock.advance(1);
    }
  });

  test('are not listed by who may not ask', async () => {
    const one = account([{ dseq: '1', service: ours(1) }]);
    one.refused.add('list');
    expect((await errorOf(tools(one)(context))).code).toBe('provider_unavailable');
  });
});

describe('waiting for a bid', () => {
  const wanted = { dseq: '7', owner: OWNER, gpuCount: 1, limitUsd: 1, aktUsd: null };
  const looking = (answers: readonly (readonly unknown[] | Error)[], clock: ReturnType<typeof fakeClock>) => {
    let looks = 0;
    const client = {
      async ask() {
        const answer = answers[looks] ?? [];
        looks += 1;
        await clock.advance(3_000);
        if (answer instanceof Error) throw answer;
        return { data: answer };
      },
    } as unknown as ProviderClient;
    return { client, looks: () => looks };
  };
  const bid = {
    bid: { id: { dseq: '7', gseq: 1, oseq: 1, provider: OWNER }, state: 'open', price: { denom: 'uact', amount: 1 } },
  };
  const tooLate = new TransientError('provider_rate_limited', 'its turn');

  test.each<[string, readonly (readonly unknown[] | Error)[], number, number, string]>([
    ['there at once', [[bid]], 30_000, 1, 'bid'],
    ['there in time', [[], [], [bid]], 30_000, 3, 'bid'],
    ['not there in time', [], 30_000, 10, 'offer_gone'],
    ['looked for five times at least, where the world runs fast', [], 1, 5, 'offer_gone'],
    ['not to be looked for any more', [[], tooLate], 30_000, 2, 'offer_gone'],
    ['never looked for', [tooLate], 30_000, 1, 'provider_rate_limited'],
    ['nobody knows', [[], new TransientError('provider_unavailable', 'x')], 30_000, 2, 'provider_unavailable'],
  ])('%s', async (_, answers, windowMs, looks, expected) => {
    const clock = fakeClock();
    const seen = looking(answers, clock);
    const found = awaitBid(seen.client, clock, { ...wanted, windowMs }, context);
    if (expected === 'bid') expect(await found).toBe(bid.bid);
    else expect((await errorOf(found)).code).toBe(expected);
    expect(seen.looks()).toBe(looks);
  });
});

test('memory forgets what was touched longest ago', () => {
  const memory = akashMemory({ now: () => 5 });
  expect(memory.get('0')).toMatchObject({ label: undefined, firstSeenMs: 5, ready: false });
  memory.note('1', { ready: true });
  for (let n = 2; n < 10_000; n += 1) memory.note(String(n), {});
  memory.note('1', {});
  memory.note('10000', { ready: true });
  memory.note('10001', { ready: true });
  expect(memory.get('1').ready).toBe(true);
  expect(memory.get('10001').ready).toBe(true);
});
