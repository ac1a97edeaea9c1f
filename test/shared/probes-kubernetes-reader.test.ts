import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { TransientError } from '#shared/errors.ts';
import { fakeClock } from '#test/support/clock.ts';
import {
  type Answer,
  closeHouses,
  house,
  json,
  named,
  numbered,
  PODS,
  page,
  pageAsked,
  TOKEN,
  within,
} from './cluster-reader.ts';

afterEach(closeHouses);

describe('a list', () => {
  test('is read page by page, with the token', async () => {
    const pages: Record<string, unknown> = {
      '': page(['a', 'b'], 'to c/+='),
      'to c/+=': page(['c'], 'to d'),
      'to d': page(['d'], ''),
    };
    const { reader, asked } = await house((request, response) =>
      json(response, 200, pages[pageAsked(request.url) ?? '']),
    );
    expect(await reader.list(PODS, within(5_000))).toEqual(['a', 'b', 'c', 'd'].map(named));
    expect(asked.map(({ url }) => url)).toEqual([
      `${PODS}?limit=500`,
      `${PODS}?limit=500&continue=to+c%2F%2B%3D`,
      `${PODS}?limit=500&continue=to+d`,
    ]);
    expect(new Set(asked.map(({ authorization }) => authorization))).toEqual(new Set([`Bearer ${TOKEN}`]));
  });

  test('may be empty, and its cluster below a path', async () => {
    const { reader, asked } = await house((_, response) => json(response, 200, { metadata: {}, items: null }), {
      path: '/k8s/clusters/c-1',
      token: null,
    });
    expect(await reader.list(`${PODS}?labelSelector=app`, within(5_000))).toEqual([]);
    expect(asked).toEqual([{ url: `/k8s/clusters/c-1${PODS}?labelSelector=app&limit=500`, authorization: undefined }]);
  });

  test('begins again once, when where it was is forgotten', async () => {
    let [gone, begun] = [0, 0];
    const { reader, asked } = await house((request, response) => {
      if (pageAsked(request.url) === null) {
        begun += 1;
        return json(response, 200, page([`a${begun}`], 'next'));
      }
      if (begun > 1) return json(response, 200, page(['b']));
      gone += 1;
      json(response, 410, { kind: 'Status', reason: 'Expired', message: 'too old' });
    });
    expect(await reader.list(PODS, within(5_000))).toEqual(['a2', 'b'].map(named));
    expect([gone, asked.length]).toEqual([1, 4]);
  });

  test('that is forgotten twice cannot be read', async () => {
    const { reader, host, asked } = await house((request, response) =>
      pageAsked(request.url) === null ? json(response, 200, page(['a'], 'next')) : json(response, 410, {}),
    );
    await expect(reader.list(PODS, within(5_000))).rejects.toMatchObject({
      code: 'cluster_unreachable',
      message: `${host}: GET ${PODS}: the list was too old to go on with (HTTP 410), twice`,
    });
    expect(asked).toHaveLength(4);
  });

  test('that never ends is left after twenty pages', async () => {
    const { reader, host, asked } = await house((_, response) => json(response, 200, page(['a'], 'same')));
    await expect(reader.list(PODS, within(5_000))).rejects.toMatchObject({
      code: 'cluster_unreachable',
      message: `${host}: GET ${PODS}: expected at most 20 pages of 500`,
    });
    expect(asked).toHaveLength(20);
  });

  test('of pages that are too much together is left', async () => {
    const fat = JSON.stringify({ ...page(['a'], 'next'), pad: 'x'.repeat(13 * 1024 * 1024) });
    const { reader, host, asked } = await house((_, response) => response.end(fat));
    await expect(reader.list(PODS, within(20_000))).rejects.toMatchObject({
      code: 'cluster_unreachable',
      message: `${host}: GET ${PODS}: expected a list of at most 67108864 bytes`,
    });
    expect(asked).toHaveLength(5);
  });
});

describe('what is no list', () => {
  test.each<[string, Answer, unknown]>([
    [
      'JSON',
      (_, response) => json(response, 200, { gitVersion: 'v1.32.4' }),
      { status: 200, body: { gitVersion: 'v1.32.4' } },
    ],
    ['text', (_, response) => response.writeHead(500).end('[-]etcd failed'), { status: 500, body: '[-]etcd failed' }],
    ['nothing', (_, response) => response.writeHead(404).end(), { status: 404, body: '' }],
  ])('is answered as it is: %s', async (_, answer, expected) => {
    const { reader, asked } = await house(answer);
    expect(await reader.get('/readyz', within(5_000))).toEqual(expected);
    expect(await reader.get('/readyz', within(5_000))).toEqual(expected);
    // Each time anew.
    expect(asked.map(({ url }) => url)).toEqual(['/readyz', '/readyz']);
  });

  test('is at most a megabyte', async () => {
    const { reader } = await house((_, response) => response.end(Buffer.alloc(1024 * 1024 + 1, 'x')));
    await expect(reader.get('/version', within(5_000))).rejects.toMatchObject({
      code: 'cluster_unreachable',
      message: expect.stringContaining('expected an answer of at most 1048576 bytes'),
    });
  });
});

describe('a run', () => {
  test('reads a list once, whoever asks', async () => {
    const { newReader, reader, asked } = await house(numbered());
    const all = await Promise.all([1, 2, 3].map(() => reader.list(PODS, within(5_000))));
    expect([...all, await reader.list(PODS, within(5_000))]).toEqual([1, 2, 3, 4].map(() => [named('a1')]));
    expect(asked).toHaveLength(1);
    // Another path and another run are others.
    expect(await reader.list('/api/v1/nodes', within(5_000))).toEqual([named('a2')]);
    expect(await newReader().list(PODS, within(5_000))).toEqual([named('a3')]);
  });

  test('looks anew to confirm, and shares that look too', async () => {
    const clock = fakeClock();
    const { reader } = await house(numbered(), { clock });
    const read = (freshAfterMs?: number) =>
      reader.list(PODS, within(5_000, freshAfterMs === undefined ? {} : { freshAfterMs }, clock));
    expect(await read()).toEqual([named('a1')]);
    await clock.advance(1_000);
    const since = clock.now();
    expect(await Promise.all([read(since), read(since)])).toEqual([[named('a2')], [named('a2')]]);
    expect(await read(since)).toEqual([named('a2')]);
    expect(await read()).toEqual([named('a2')]);
    expect(await read(since + 1)).toEqual([named('a3')]);
    expect(clock.pending()).toBe(0);
  });

  test('does not keep what failed', async () => {
    let n = 0;
    const { reader } = await house((_, response) => {
      n += 1;
      json(response, n === 1 ? 503 : 200, page(['a']));
    });
    const both = await Promise.allSettled([1, 2].map(() => reader.list(PODS, within(5_000))));
    expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    expect(await reader.list(PODS, within(5_000))).toEqual([named('a')]);
    expect(n).toBe(2);
  });

  test('waits for each by his own deadline, and gives up when nobody waits', async () => {
    const clock = fakeClock();
    const waiting: ServerResponse[] = [];
    const closed: number[] = [];
    const { reader, asked } = await house(
      (request, response) => {
        const index = waiting.push(response) - 1;
        request.on('close', () => response.writableEnded || closed.push(index));
      },
      { clock },
    );
    const read = (ms: number) =>
      reader.list(PODS, within(ms, {}, clock)).then(
        (objects) => objects.length,
        (error: TransientError) => error.message.split(': ').at(-1),
      );
    const [hasty, patient] = [read(1_000), read(3_000)];
    await vi.waitUntil(() => asked.length === 1);
    await clock.advance(1_000);
    expect(await hasty).toBe('no answer within 1000 ms');
    // The other waits on for the same.
    json(waiting[0] as ServerResponse, 200, page(['a']));
    expect(await patient).toBe(1);
    expect(asked).toHaveLength(1);

    const last = reader.list(PODS, within(500, { freshAfterMs: clock.now() + 1 }, clock)).catch(() => 'late');
    await vi.waitUntil(() => asked.length === 2);
    await clock.advance(500);
    expect(await last).toBe('late');
    await vi.waitUntil(() => closed.length === 1);
    const got = reader.get('/version', within(500, {}, clock)).catch(() => 'late');
    await vi.waitUntil(() => asked.length === 3);
    await clock.advance(500);
    expect(await got).toBe('late');
    await vi.waitUntil(() => closed.length === 2);
    // Who comes next asks anew instead of sharing what was given up.
    const next = read(1_000);
    await vi.waitUntil(() => asked.length === 4);
    json(waiting[3] as ServerResponse, 200, page(['a', 'b']));
    expect(await next).toBe(2);
    expect(clock.pending()).toBe(0);
  });

  test('asks for a token once, and again when it was not taken', async () => {
    let [made, taken] = [0, false];
    const token = async () => {
      made += 1;
      return `token-${made}`;
    };
    const { reader, asked, newReader } = await house((_, response) => json(response, taken ? 200 : 401, page([])), {
      token,
    });
    await expect(reader.list(PODS, within(5_000))).rejects.toMatchObject({ code: 'cluster_unauthorized' });
    taken = true;
    await reader.list(PODS, within(5_000));
    await reader.list('/api/v1/nodes', within(5_000));
    await newReader().get('/version', within(5_000));
    expect(asked.map(({ authorization }) => authorization)).toEqual([1, 2, 2, 3].map((n) => `Bearer token-${n}`));
  });

  test('tells why it got no token, and asks for another the next time', async () => {
    let away = true;
    const token = async () => {
      if (away) throw new TransientError('upstream_unavailable', 'metadata server: HTTP 503');
      return TOKEN;
    };
    const { reader, asked } = await house((_, response) => json(response, 200, page([])), { token });
    await expect(reader.list(PODS, within(5_000))).rejects.toMatchObject({ message: 'metadata server: HTTP 503' });
    away = false;
    expect(await reader.list(PODS, within(5_000))).toEqual([]);
    expect(asked).toHaveLength(1);
  });

  test('does not wait for a token past its time', async () => {
    const clock = fakeClock();
    const { reader, asked } = await house((_, response) => json(response, 200, page([])), {
      clock,
      token: () => new Promise<string>(() => undefined),
    });
    const read = reader.get('/version', within(1_000, {}, clock)).catch((error: unknown) => error);
    await clock.advance(1_000);
    expect(await read).toMatchObject({ code: 'cluster_unreachable' });
    expect([asked.length, clock.pending()]).toEqual([0, 0]);
  });
});
