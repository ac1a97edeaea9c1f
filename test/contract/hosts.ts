/** What every host promises, over real connections. A host's test is one call of hostContract. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ERROR_CATALOGUE } from '#shared/errors.ts';
import { aPush, bodyBytes, ENVELOPE_CASES } from '#test/functions/envelope-cases.ts';
import { testCases } from '#test/support/cases.ts';
import { eventDoor } from '#test/support/event-door.ts';
import { rawConnection } from '#test/support/raw-http.ts';
import { hostHouse, LIMIT_BYTES, type ServeApp } from './hosts-house.ts';
import { describeStreams } from './hosts-streams.ts';

/** Over a socket each case costs a hundred times what it costs in process; the same laws run there on all cases. */
const socketCases = Math.ceil(testCases / 4);

export function hostContract(hostName: string, serveApp: ServeApp): void {
  const house = hostHouse(serveApp);
  const { serve, raw, echo, gated, post, codeOf } = house;

  describe(`${hostName} host: envelopes`, () => {
    for (const { name, headers, body, expected } of ENVELOPE_CASES) {
      test(name, async () => {
        const door = eventDoor();
        const server = await serve(door.app);
        const response = await post(server, '/', body, headers);
        expect([response.status, await response.text()]).toEqual([204, '']);
        if ('handled' in expected) expect(door.handled.map(({ context }) => context)).toMatchObject([expected.handled]);
        else expect(door.quarantined.map(({ code }) => code)).toEqual([expected.rejected]);
      });
    }

    test('an envelope over the limit is refused and neither handled nor quarantined', async () => {
      const door = eventDoor();
      const response = await post(await serve(door.app), '/', new Uint8Array(512 * 1024 + 1));
      expect([response.status, await codeOf(response)]).toEqual([413, 'body_too_large']);
      expect([door.handled, door.quarantined]).toEqual([[], []]);
    });
  });

  describe(`${hostName} host: doors`, () => {
    test('health, readiness and metrics', async () => {
      const server = await serve(echo().app);
      expect(await (await fetch(`${server.url}/health`)).json()).toEqual({
        status: 'ok',
        function: 'echo',
        uptime_s: 0,
      });
      const ready = await fetch(`${server.url}/ready?verbose`);
      expect([ready.status, await ready.json()]).toEqual([200, { ready: true, waiting_for: [] }]);
      const metrics = await (await fetch(`${server.url}/metrics`)).text();
      expect(metrics).toContain('aurora_function_requests_total{function="echo",route="/ready",status="200"} 1');
    });

    test('paths and methods that are no door, broken and reserved ones included', async () => {
      const server = await serve(echo().app);
      for (const path of ['/nope', '/%', '/%00', '/favicon.ico', '/robots.txt', '//', '/echo/', '/__proto__']) {
        const response = await fetch(server.url + path, { headers: { 'x-request-id': 'r-2' } });
        expect(response.headers.get('x-request-id')).toBe('r-2');
        expect([path, response.status, await codeOf(response)]).toEqual([path, 404, 'not_found']);
      }
      const response = await fetch(`${server.url}/echo`);
      expect([response.status, response.headers.get('allow'), await codeOf(response)]).toEqual([
        405,
        'POST',
        'method_not_allowed',
      ]);
    });

    test('a failure carries its code and the request id, and never a stack', async () => {
      const secret = new TypeError('the words of a bug');
      const { app, deps } = echo([
        {
          method: 'POST',
          path: '/bug',
          handle() {
            throw secret;
          },
        },
        { method: 'POST', path: '/later', handle: () => Promise.reject(secret) },
        { method: 'POST', path: '/header', handle: () => ({ status: 200, headers: { 'x-bad': 'a\r\nb' } }) },
      ]);
      const server = await serve(app);
      for (const path of ['/bug', '/later', '/header']) {
        const response = await post(server, path, '{}', { 'x-request-id': 'r-1' });
        const text = await response.text();
        expect([response.status, text]).toEqual([500, expect.stringContaining('"code":"internal"')]);
        expect(text).not.toMatch(/words of a bug| at |\.ts/);
      }
      const failures = deps.lines.filter(({ level }) => level === 'error');
      expect(failures.map(({ fields }) => [fields['request_id'], fields['error']])).toEqual([
        ['r-1', secret],
        ['r-1', secret],
      ]);
    });

    test.each([
      ['{broken', { 'content-type': 'application/json' }, 'body_not_json'],
      ['', { 'content-type': 'application/json' }, 'body_empty'],
      ['', { 'content-type': 'application/json', 'content-encoding': 'nope' }, 'body_empty'],
      ['[1,"2"]', { 'content-type': 'application/json; charset=nope' }, 'body_invalid'],
      ['a=1', { 'content-type': 'application/x-www-form-urlencoded' }, 'body_not_json'],
      ['zip?', { 'content-type': 'application/json', 'content-encoding': 'gzip' }, 'body_not_json'],
    ])('a body that cannot be read: %j %j', async (body, headers, code) => {
      const response = await post(await serve(echo().app), '/sum', body, headers);
      expect([response.status, await codeOf(response)]).toEqual([400, code]);
    });

    test('answers carry their length, an empty one too', async () => {
      const { app } = echo([{ method: 'DELETE', path: '/gone', handle: () => ({ status: 204 }) }]);
      const server = await serve(app);
      const found = await post(server, '/sum', '[1,2]');
      expect([found.headers.get('content-length'), await found.text()]).toEqual(['9', '{"sum":3}']);
      const gone = await fetch(`${server.url}/gone`, { method: 'DELETE' });
      expect([gone.status, gone.headers.get('content-length')]).toEqual([204, null]);
    });
  });

  describe(`${hostName} host: limits`, () => {
    test('a body at the limit is taken, one byte more is not, announced or in chunks', async () => {
      const server = await serve(echo().app);
      expect(await (await post(server, '/echo', new Uint8Array(LIMIT_BYTES))).json()).toEqual({ bytes: LIMIT_BYTES });
      const announced = await post(server, '/echo', new Uint8Array(LIMIT_BYTES + 1));
      expect([announced.status, await codeOf(announced)]).toEqual([413, 'body_too_large']);
      const connection = await raw(server);
      connection.send('POST /echo HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n');
      connection.send(`3e8\r\n${'a'.repeat(1000)}\r\n`);
      connection.send('1\r\nb\r\n');
      const answer = await connection.until('body_too_large');
      expect(answer).toMatch(/^HTTP\/1\.1 413 [\s\S]*connection: close/i);
    });

    test('a client that goes on sending after the refusal still reads it', async () => {
      const server = await serve(echo().app);
      const connection = await raw(server);
      const total = 4 * 1024 * 1024;
      connection.send(`POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: ${total}\r\n\r\n`);
      // Reads only once all is sent: a server that had hung up by then would have reset its own answer away.
      connection.socket.pause();
      await new Promise<void>((resolve) => connection.socket.write(new Uint8Array(total), () => resolve()));
      connection.socket.resume();
      expect(await connection.ended()).toMatch(/^HTTP\/1\.1 413 [\s\S]*body_too_large/);
    });

    test('over its concurrency the function refuses at once, before any effect, and recovers', async () => {
      const [first, second] = [gated('/first'), gated('/second')];
      const server = await serve(echo([first.route, second.route]).app);
      const held = [post(server, '/first', ''), post(server, '/second', '')];
      await Promise.all([first.started, second.started]);
      const refused = await post(server, '/sum', '[1]');
      expect([refused.status, refused.headers.get('retry-after'), await codeOf(refused)]).toEqual([
        503,
        '1',
        'overloaded',
      ]);
      expect((await fetch(`${server.url}/ready`)).status).toBe(200);
      first.release();
      second.release();
      expect((await Promise.all(held)).map(({ status }) => status)).toEqual([200, 200]);
      expect((await post(server, '/sum', '[1]')).status).toBe(200);
    });

    test('past the deadline: 503, and the handler is told', async () => {
      const slow = gated();
      const { app, clock } = echo([slow.route]);
      const server = await serve(app);
      const response = post(server, '/wait', '');
      const signal = await slow.started;
      await clock.advance(500);
      expect([(await response).status, await codeOf(await response), signal.aborted]).toEqual([
        503,
        'deadline_exceeded',
        true,
      ]);
      slow.release();
    });

    test('draining: what is under way is answered, what is new is sent elsewhere', async () => {
      const slow = gated();
      const { app } = echo([slow.route]);
      const server = await serve(app);
      const response = post(server, '/wait', '');
      await slow.started;
      const drained = app.drain();
      const refused = await post(server, '/sum', '[1]');
      expect([refused.status, refused.headers.get('connection'), await codeOf(refused)]).toEqual([
        503,
        'close',
        'draining',
      ]);
      const ready = await fetch(`${server.url}/ready`);
      expect([ready.status, await ready.json()]).toEqual([503, { ready: false, waiting_for: ['draining'] }]);
      const closed = server.close();
      slow.release();
      expect([(await response).status, (await response).headers.get('connection')]).toEqual([200, 'close']);
      await Promise.all([drained, closed]);
      await expect(fetch(`${server.url}/health`)).rejects.toThrow();
    });
  });

  describeStreams(hostName, house);

  describe(`${hostName} host: connections`, () => {
    test('requests in one packet are answered in their order', async () => {
      const slow = gated();
      const server = await serve(echo([slow.route]).app);
      const connection = await raw(server);
      const wait = 'POST /wait HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n';
      const sum = 'POST /sum HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\n[1,2]';
      connection.send(wait + sum);
      await slow.started;
      slow.release();
      const answer = await connection.until('"sum":3');
      expect(answer.indexOf('"late"')).toBeLessThan(answer.indexOf('"sum"'));
      expect(answer.indexOf('"late"')).toBeGreaterThan(0);
    });

    test('a body in chunks, after 100-continue', async () => {
      const connection = await raw(await serve(echo().app));
      connection.send('POST /sum HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ntransfer-encoding: chunked\r\n\r\n');
      await connection.until('100 Continue');
      connection.send('2\r\n[4\r\n');
      connection.send('3\r\n,5]\r\n0\r\n\r\n');
      expect(await connection.until('"sum":9')).toContain('HTTP/1.1 200');
    });

    test('a body too large is refused before it is sent', async () => {
      const connection = await raw(await serve(echo().app));
      connection.send('POST /sum HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\ncontent-length: 1001\r\n\r\n');
      const answer = await connection.until('body_too_large');
      expect(answer).toMatch(/^HTTP\/1\.1 413/);
      expect(answer).not.toContain('100 Continue');
    });

    test('a client that stops in the middle of its body is forgotten', async () => {
      const { app, deps } = echo();
      const server = await serve(app);
      const connection = await raw(server);
      connection.send('POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 50\r\n\r\nhalf');
      connection.socket.destroy();
      expect((await post(server, '/sum', '[1]')).status).toBe(200);
      expect(await deps.metrics.exposition()).not.toContain('route="/echo",status');
    });

    test('a client that goes away stops its handler', async () => {
      const slow = gated();
      const server = await serve(echo([slow.route]).app);
      const connection = await raw(server);
      connection.send('POST /wait HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n');
      const signal = await slow.started;
      const aborted = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      connection.socket.destroy();
      await aborted;
      slow.release();
      expect((await post(server, '/sum', '[1]')).status).toBe(200);
    });

    test('a client that has nothing more to say is still answered', async () => {
      const slow = gated();
      const connection = await raw(await serve(echo([slow.route]).app));
      connection.socket.end('POST /wait HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n');
      await slow.started;
      slow.release();
      expect(await connection.until('"late":true')).toContain('HTTP/1.1 200');
    });

    test.each([
      ['nonsense\r\n\r\n', 400, 'request_malformed'],
      [`GET / HTTP/1.1\r\nhost: x\r\nx-long: ${'a'.repeat(20_000)}\r\n\r\n`, 431, 'headers_too_large'],
      [
        'POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n',
        400,
        'request_malformed',
      ],
    ])('broken HTTP: %.30j…', async (bytes, status, code) => {
      const connection = await raw(await serve(echo().app));
      connection.send(bytes);
      const answer = await connection.until(code);
      expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    });
  });

  describe(`${hostName} host: random input`, () => {
    const coded = async (response: Response, allowed: readonly number[]): Promise<void> => {
      const text = await response.text();
      expect(allowed).toContain(response.status);
      if (response.status >= 400) expect(ERROR_CATALOGUE).toHaveProperty(JSON.parse(text).error.code);
    };

    test('any body at the HTTP door: a sum or a coded error', async () => {
      const { app } = echo();
      const server = await serve(app);
      const body = fc.oneof(
        fc.uint8Array({ maxLength: 1_200 }),
        fc.json().map(bodyBytes),
        fc.array(fc.integer()).map(bodyBytes),
      );
      const type = fc.constantFrom(
        'application/json',
        'text/plain',
        'application/x-www-form-urlencoded',
        'application/octet-stream',
      );
      await fc.assert(
        fc.asyncProperty(body, type, async (bytes, contentType) =>
          coded(await post(server, '/sum', bytes, { 'content-type': contentType }), [200, 400, 413]),
        ),
        { numRuns: socketCases },
      );
      expect(await (await post(server, '/sum', '[1,2,3]')).json()).toEqual({ sum: 6 });
    });

    test('any envelope at the event door: acknowledged once kept, or told to come again', async () => {
      const door = eventDoor();
      const server = await serve(door.app);
      const valid = bodyBytes(aPush);
      const body = fc.oneof(
        fc.uint8Array({ minLength: 1, maxLength: 1_200 }),
        fc.json().map(bodyBytes),
        fc.nat(valid.length - 1).map((end) => valid.slice(0, end)),
        fc.tuple(fc.nat(valid.length - 1), fc.nat(255)).map(([at, byte]) => valid.with(at, byte)),
      );
      let sent = 0;
      await fc.assert(
        fc.asyncProperty(body, async (bytes) => {
          const response = await post(server, '/', bytes, { 'content-type': 'application/json' });
          expect(response.status).toBe(204);
          sent += 1;
          expect(door.handled.length + door.quarantined.length).toBe(sent);
        }),
        { numRuns: socketCases },
      );
    });

    test('any bytes on the wire: the server stays', async () => {
      const server = await serve(echo().app);
      const start = fc.constantFrom(
        '',
        'POST /sum HTTP/1.1\r\n',
        'POST /sum HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n',
      );
      await fc.assert(
        fc.asyncProperty(start, fc.uint8Array({ maxLength: 200 }), async (head, bytes) => {
          const connection = await rawConnection(server.port);
          connection.send(head);
          connection.send(bytes);
          connection.socket.end();
          const answer = await connection.ended();
          connection.socket.destroy();
          expect(answer).toMatch(/^(HTTP\/1\.1 \d{3} |$)/);
        }),
        { numRuns: Math.ceil(socketCases / 4) },
      );
      expect((await post(server, '/sum', '[1]')).status).toBe(200);
    });
  });
}
