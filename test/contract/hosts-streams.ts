import { describe, expect, test } from 'vitest';
import { STREAM_LIMIT_BYTES, STREAM_LIMIT_MS, STREAM_STALL_MS } from '#shared/defaults.ts';
import { RejectedError, TransientError } from '#shared/errors.ts';
import type { Served } from '#shared/runtime/hosts/lean.ts';
import { fakeClock } from '#test/support/clock.ts';
import type { HostHouse } from './hosts-house.ts';

/** What every host promises of answers that are streams. */
export function describeStreams(hostName: string, { serveApp, serve, raw, echo, codeOf }: HostHouse): void {
  describe(`${hostName} host: bodies that come bit by bit`, () => {
    const BIT = new TextEncoder().encode(`${'x'.repeat(1023)}\n`);

    /** GET /flow answers what `bits` makes; `ended` resolves when its source has been told of the end. */
    function flowing(bits: () => AsyncGenerator<Uint8Array>) {
      const ended = Promise.withResolvers<void>();
      async function* source(): AsyncGenerator<Uint8Array> {
        try {
          yield* bits();
        } finally {
          ended.resolve();
        }
      }
      const made = echo([
        {
          method: 'GET',
          path: '/flow',
          handle: async () => ({ status: 200, headers: { 'content-type': 'text/plain' }, body: source() }),
        },
      ]);
      return { ...made, ended: ended.promise };
    }
    const inFlight = async ({ deps }: ReturnType<HostHouse['echo']>): Promise<string | undefined> =>
      /^aurora_function_in_flight_requests.* (\d+)$/m.exec(await deps.metrics.exposition())?.[1];
    const closeBy = async (server: Served, clock: ReturnType<typeof fakeClock>): Promise<void> => {
      const closed = server.close();
      while (clock.pending() > 0) await clock.advance(500);
      await closed;
    };
    const GET = 'GET /flow HTTP/1.1\r\nhost: x\r\n\r\n';

    test('are sent as they come, counted once, and leave the connection as it was', async () => {
      const read = Promise.withResolvers<void>();
      const flow = flowing(async function* () {
        yield BIT;
        await read.promise;
        yield new TextEncoder().encode('last');
      });
      const connection = await raw(await serve(flow.app));
      connection.send(GET);
      const first = await connection.until('x\n');
      expect(first).toMatch(/transfer-encoding: chunked/i);
      expect(first).not.toMatch(/content-length/i);
      expect(await inFlight(flow)).toBe('1');
      read.resolve();
      expect(await connection.until('last\r\n0\r\n\r\n')).toContain('200 OK');
      await flow.ended;
      connection.send('GET /health HTTP/1.1\r\nhost: x\r\n\r\n');
      await connection.until('"status":"ok"');
      const text = await flow.deps.metrics.exposition();
      expect(text).toContain('aurora_function_requests_total{function="echo",route="/flow",status="200"} 1');
      expect(await inFlight(flow)).toBe('0');
      expect(flow.clock.pending()).toBe(0);
    });

    test('with nothing in them are empty answers', async () => {
      const { app } = flowing(async function* () {
        yield* [];
      });
      const response = await fetch(`${(await serve(app)).url}/flow`);
      expect([response.status, await response.text()]).toEqual([200, '']);
    });

    test('are made no faster than they are taken', async () => {
      let made = 0;
      const LARGE = Buffer.alloc(16 * 1024, 'x\n');
      const TOTAL = 1_024;
      const { app } = flowing(async function* () {
        for (; made < TOTAL; made++) yield LARGE;
      });
      const serverClock = fakeClock();
      const server = await serveApp(app, { port: 0, hostClock: serverClock });
      const connection = await raw(server);
      connection.socket.pause();
      connection.send(GET);
      // As long as buffers on the way take more; then it waits for them, by the clock.
      for (
        let turns = 0, before = -1;
        turns < 100;
        turns = serverClock.pending() > 0 && before === made ? turns + 1 : 0
      ) {
        before = made;
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(made).toBeGreaterThan(0);
      expect(made).toBeLessThan(TOTAL);
      let ends = '';
      const whole = new Promise<void>((resolve) => {
        connection.socket.on('data', (bytes: Buffer) => {
          ends = (ends + bytes.toString('latin1')).slice(-16);
          if (ends.endsWith('\r\n0\r\n\r\n')) resolve();
        });
      });
      connection.socket.resume();
      await whole;
      expect(made).toBe(TOTAL);
      connection.socket.destroy();
      await closeBy(server, serverClock);
    });

    test('end with their reader', async () => {
      const flow = flowing(async function* () {
        yield BIT;
        await new Promise((resolve) => setImmediate(resolve));
        for (;;) yield BIT;
      });
      const connection = await raw(await serve(flow.app));
      connection.send(GET);
      await connection.until('x\n');
      connection.socket.destroy();
      await flow.ended;
      expect(await inFlight(flow)).toBe('0');
    });

    test('end with a reader that takes nothing any more', async () => {
      const flow = flowing(async function* () {
        for (;;) {
          yield BIT;
          await new Promise((resolve) => setImmediate(resolve));
        }
      });
      const serverClock = fakeClock();
      const server = await serveApp(flow.app, { port: 0, hostClock: serverClock });
      const connection = await raw(server);
      connection.socket.pause();
      connection.send(GET);
      let over = false;
      void flow.ended.then(() => (over = true));
      while (!over) await serverClock.advance(serverClock.pending() > 0 ? STREAM_STALL_MS : 0);
      connection.socket.destroy();
      await closeBy(server, serverClock);
    });

    test('without a first bit within the deadline: 503, and the source is told', async () => {
      const flow = flowing(async function* () {
        await new Promise<never>(() => undefined);
        yield BIT;
      });
      const server = await serve(flow.app);
      const answer = fetch(`${server.url}/flow`);
      while (flow.clock.pending() < 2) await new Promise((resolve) => setImmediate(resolve));
      await flow.clock.advance(500);
      expect([(await answer).status, await codeOf(await answer)]).toEqual([503, 'deadline_exceeded']);
      expect(await inFlight(flow)).toBe('0');
      expect(flow.clock.pending()).toBe(0);
    });

    test('that fail before their first bit are failures as any other', async () => {
      const { app } = flowing(async function* () {
        yield* [];
        throw new RejectedError('logs_unavailable', 'it has not written any');
      });
      const response = await fetch(`${(await serve(app)).url}/flow`);
      expect([response.status, await codeOf(response)]).toEqual([404, 'logs_unavailable']);
    });

    test.each<[string, () => AsyncGenerator<Uint8Array>]>([
      [
        'break off',
        async function* () {
          yield BIT;
          throw new TransientError('provider_unavailable', 'it hung up');
        },
      ],
      [
        'are too long',
        async function* () {
          const large = Buffer.alloc(1024 * 1024, 'x\n');
          for (let sent = 0; sent <= STREAM_LIMIT_BYTES; sent += large.length) yield large;
        },
      ],
    ])('that %s break the connection, so that nobody takes them for whole', async (_, bits) => {
      const flow = flowing(bits);
      const connection = await raw(await serve(flow.app));
      connection.send(GET);
      const whole = await connection.ended();
      expect([whole.slice(0, 12), whole.includes('x\n')]).toEqual(['HTTP/1.1 200', true]);
      expect(whole.endsWith('0\r\n\r\n')).toBe(false);
      await flow.ended;
      expect(flow.deps.lines.map(({ message }) => message)).toEqual(['a streamed answer broke off']);
    });

    test.each([
      ['at the end of their time', async ({ clock }: ReturnType<HostHouse['echo']>) => clock.advance(STREAM_LIMIT_MS)],
      ['when the function drains', async ({ app }: ReturnType<HostHouse['echo']>) => app.drain()],
    ])('%s they are ended in good order', async (_, act) => {
      const flow = flowing(async function* () {
        yield BIT;
        await new Promise<never>(() => undefined);
      });
      const connection = await raw(await serve(flow.app));
      connection.send(GET);
      await connection.until('x\n');
      await act(flow);
      expect(await connection.until('\r\n0\r\n\r\n')).toContain('200 OK');
      expect(await inFlight(flow)).toBe('0');
      expect(flow.clock.pending()).toBe(0);
    });
  });
}
