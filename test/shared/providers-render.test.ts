import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { answerOf, parsedAnswer } from '#shared/providers/answer.ts';
import type { ProviderClient } from '#shared/providers/client.ts';
import { renderBook } from '#shared/providers/render/book.ts';
import { creationRefusal, jobsAnswer, renderRefusal, runAnswer } from '#shared/providers/render/wire.ts';
import { errorOf } from '#test/contract/providers-world.ts';
import { job, node, run } from '#test/support/render-answers.ts';

const context = { deadline: Number.POSITIVE_INFINITY };

function parsed<T>(schema: z.ZodType<T>, body: unknown, status = 200): T {
  return parsedAnswer(answer(status, body), schema);
}
const answer = (status: number, body: unknown) =>
  answerOf('render test', status, {}, new TextEncoder().encode(JSON.stringify(body)), (text) => text);

describe("Render's way to say no", () => {
  const no = (code: unknown) => ({ error: { code, message: 'because' } });
  test.each([
    ['NO_NODES_AVAILABLE', 'offer_gone'],
    ['gpu_not_found', 'offer_gone'],
    ['OFFER_EXPIRED', 'offer_gone'],
    ['INSUFFICIENT_CREDITS', 'provider_funds'],
  ])('%s of a creation, with any status, is %s', (code, expected) => {
    for (const status of [400, 409, 422, 503]) {
      const error = creationRefusal(answer(status, no(code)));
      expect(error).toMatchObject({ code: expected, retryable: false });
      expect(error?.message).toContain(`render test: ${status} ${code.toUpperCase()} because`);
    }
  });

  test('what is gone is gone for a creation alone; what says nothing more leaves it to the status', () => {
    expect(renderRefusal(answer(409, no('NO_NODES_AVAILABLE')))).toBeNull();
    expect(renderRefusal(answer(402, no('INSUFFICIENT_CREDITS')))).toMatchObject({ code: 'provider_funds' });
    for (const body of [no('VALIDATION_ERROR'), no(7), no(null), { error: 'text' }, 'text', null, []])
      expect(creationRefusal(answer(400, body))).toBeNull();
    // Whatever it carries, a success is none.
    expect(creationRefusal(answer(200, no('NO_NODES_AVAILABLE')))).toBeNull();
  });
});

describe('logs of Render', () => {
  test.each([
    ['one text', 'a\nb', 'a\nb'],
    ['lines', ['a', 'b'], 'a\nb\n'],
    ['lines with more about them', [{ at: 1, line: 'a' }], '{"at":1,"line":"a"}\n'],
    ['nothing', null, null],
  ])('are given as %s', (_, logs, expected) => expect(parsed(runAnswer, { logs }).logs ?? null).toBe(expected));
});

describe('pages of Render', () => {
  /** A client that answers each page in its turn. */
  const bookOf = (...pages: readonly unknown[]) => {
    const left = [...pages];
    const asked: string[] = [];
    const client = {
      ask: async (call: { answer: z.ZodType; query?: Record<string, string>; operation: string }) => {
        asked.push(`${call.operation} ${call.query?.['page']} ${call.query?.['filter[status]'] ?? 'any'}`);
        return call.answer.parse(left.length > 1 ? left.shift() : left[0]);
      },
    };
    return { book: renderBook(client as unknown as ProviderClient), asked };
  };
  const NONE = { data: [], total: 0 };
  const LIVING = 'PENDING,ASSIGNED,RUNNING';
  const of = (...ids: readonly string[]) => ids.map((uuid) => job({ uuid }));
  const living = async (...pages: readonly unknown[]) => {
    const { book, asked } = bookOf(...pages);
    return { ids: (await book.living(context)).map(({ uuid }) => uuid), asked };
  };

  test('are read to the total, however small the server cuts them, and one on two of them counts once', async () => {
    const { ids, asked } = await living(
      NONE,
      { data: of('a', 'b'), total: 5, limit: 2 },
      { data: of('b', 'c'), total: 5, limit: 2 },
      { data: of('d'), total: 5, limit: 2 },
    );
    expect(ids).toEqual(['a', 'b', 'c', 'd']);
    expect(asked).toEqual(['jobs 1 any', ...[1, 2, 3].map((page) => `jobs ${page} ${LIVING}`)]);
  });

  test('end without a total where one is not full', async () => {
    expect(
      (await living(NONE, { data: of('a'), limit: 1 }, { data: of('b'), limit: 1 }, { data: [], limit: 1 })).ids,
    ).toEqual(['a', 'b']);
    expect((await living(NONE, { data: of('a') })).asked).toHaveLength(2);
  });

  test('end when what was to come has ended meanwhile', async () => {
    expect((await living(NONE, { data: of('a'), total: 9 }, { data: [], total: 9 })).ids).toEqual(['a']);
  });

  test('none where there should be some is no empty list', async () => {
    expect(await errorOf(living(NONE, { data: [], total: 3 }))).toMatchObject({
      code: 'provider_answer_invalid',
      message: 'render jobs: data: expected the first of 3, got none',
    });
    for (const odd of [{}, [], { data: null }, { data: [{ uuid: 'a' }] }, null])
      expect(jobsAnswer.safeParse(odd).success).toBe(false);
  });

  test('that never end are not taken for whole; of nodes the first pages are', async () => {
    const { book, asked } = bookOf(NONE, { data: of('a'), total: 1_000_000 });
    expect(await errorOf(book.living(context))).toMatchObject({ code: 'provider_answer_invalid' });
    expect(asked).toHaveLength(101);
    const many = bookOf({ data: [node(1, 1)], total: 1_000_000 });
    expect(await many.book.nodes(context)).toHaveLength(100);
  });

  test('one under a status that nobody knows is seen among the newest, and the newest run counts', async () => {
    const newest = {
      data: [job({ uuid: 'x', status: 'HIBERNATING' }), job({ uuid: 'y', status: 'FAILED' })],
      total: 2,
    };
    expect((await living(newest, NONE)).ids).toEqual(['x']);
    const runs = {
      data: [
        run({ uuid: 'new' }),
        run({ uuid: 'old' }),
        run({ uuid: 'z', job_uuid: null, job_snapshot: { uuid: 'j' } }),
      ],
    };
    const byJob = await bookOf(runs).book.runs(context);
    expect([...byJob].map(([id, { uuid }]) => [id, uuid])).toEqual([
      ['3fa85f64-5717-4562-b3fc-2c963f66afa6', 'new'],
      ['j', 'z'],
    ]);
  });
});
