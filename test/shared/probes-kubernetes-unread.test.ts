import { afterEach, describe, expect, test, vi } from 'vitest';
import type { TransientError } from '#shared/errors.ts';
import { type Answer, closeHouses, house, json, named, PODS, TOKEN, within } from './cluster-reader.ts';

afterEach(closeHouses);

describe('what cannot be read', () => {
  const HANG: Answer = () => undefined;
  const status =
    (code: number, message: string): Answer =>
    (_, response) =>
      json(response, code, { kind: 'Status', status: 'Failure', message });

  test.each<[string, Answer, string, (host: string) => string]>([
    [
      'a token that is not taken',
      status(401, 'Unauthorized'),
      'cluster_unauthorized',
      (host) => `${host}: GET PATH: the token that was sent is not taken`,
    ],
    [
      'what RBAC forbids',
      status(403, 'pods is forbidden: User "probe" cannot list resource "pods"'),
      'cluster_forbidden',
      (host) => `${host}: GET PATH: pods is forbidden: User "probe" cannot list resource "pods"`,
    ],
    [
      'what is forbidden without a word',
      (_, response) => response.writeHead(403).end(),
      'cluster_forbidden',
      (host) => `${host}: GET PATH: HTTP 403`,
    ],
    [
      'what tells the token, in words that do not',
      (request, response) => status(403, `no ${request.headers.authorization} here`)(request, response),
      'cluster_forbidden',
      (host) => `${host}: GET PATH: no Bearer (token) here`,
    ],
    [
      'what the cluster does not know',
      status(404, 'not found'),
      'not_found',
      (host) => `${host}: the cluster knows no PATH`,
    ],
    [
      'a cluster that is overwhelmed',
      status(500, 'etcdserver: request timed out'),
      'cluster_unreachable',
      (host) => `${host}: GET PATH: HTTP 500: etcdserver: request timed out`,
    ],
    [
      'a proxy that is lost',
      (_, response) => response.writeHead(502).end('<html>'),
      'cluster_unreachable',
      (host) => `${host}: GET PATH: HTTP 502`,
    ],
    [
      'a way elsewhere',
      (_, response) => response.writeHead(302, { location: 'http://127.0.0.1/' }).end(),
      'cluster_unreachable',
      (host) => `${host}: GET PATH: HTTP 302`,
    ],
    [
      'a page for people',
      (_, response) => response.end('<html>Log in</html>'),
      'cluster_unreachable',
      (host) => `${host}: GET PATH: expected a list, got 19 bytes of something else`,
    ],
    [
      'an object that is no list',
      (_, response) => json(response, 200, named('a')),
      'cluster_unreachable',
      (host) => `${host}: GET PATH: expected a list, got 25 bytes of something else`,
    ],
    [
      'nothing',
      (_, response) => response.end(),
      'cluster_unreachable',
      (host) => `${host}: GET PATH: expected a list, got nothing`,
    ],
    [
      'half an answer',
      (_, response) =>
        void response.writeHead(200, { 'content-length': '99' }).write('{"items":[', () => response.destroy()),
      'cluster_unreachable',
      (host) => `${host}: GET PATH: other side closed`,
    ],
    [
      'a line that is cut',
      (request) => request.socket.resetAndDestroy(),
      'cluster_unreachable',
      (host) => `${host}: GET PATH: read ECONNRESET`,
    ],
    [
      'a page that is too big',
      (_, response) => response.end(Buffer.alloc(16 * 1024 * 1024 + 1, 'x')),
      'cluster_unreachable',
      (host) => `${host}: GET PATH: expected an answer of at most 16777216 bytes`,
    ],
    ['silence', HANG, 'cluster_unreachable', (host) => `${host}: GET PATH: no answer within 300 ms`],
  ])('%s', async (_, answer, code, message) => {
    const { reader, host } = await house(answer);
    const ms = answer === HANG ? 300 : 10_000;
    const error = await reader.list(PODS, within(ms)).catch((reason: unknown) => reason);
    const said = { code, message: message(host).replace('PATH', PODS) };
    // When little time is left, to the millisecond is luck.
    expect({
      code: (error as TransientError).code,
      message: (error as Error).message.replace(/within (29\d|300) ms/, 'within 300 ms'),
    }).toEqual(said);
    expect(String((error as Error).message)).not.toContain(TOKEN);
  });

  test('a port where nobody listens', async () => {
    const { host, reader, stop } = await house(HANG);
    await stop();
    await expect(reader.list(PODS, within(5_000))).rejects.toMatchObject({
      code: 'cluster_unreachable',
      message: `${host}: GET ${PODS}: connect ECONNREFUSED ${host}`,
    });
  });

  test('without a token, where one is asked for', async () => {
    const { reader, host } = await house(status(401, 'Unauthorized'), { token: null });
    await expect(reader.get('/version', within(5_000))).rejects.toMatchObject({
      code: 'cluster_unauthorized',
      message: `${host}: GET /version: no token was sent`,
    });
  });

  test('a run that is broken off tells its reason', async () => {
    const { reader, asked } = await house(HANG);
    const giveUp = new AbortController();
    const reading = [PODS, '/version'].map((path) =>
      (path === PODS ? reader.list : reader.get)(path, within(5_000, { signal: giveUp.signal })).catch(
        (error: unknown) => error,
      ),
    );
    await vi.waitUntil(() => asked.length === 2);
    giveUp.abort(new Error('the run was broken off'));
    expect(await Promise.all(reading)).toEqual([1, 2].map(() => new Error('the run was broken off')));
    await expect(reader.list(PODS, within(5_000, { signal: giveUp.signal }))).rejects.toThrow('the run was broken off');
  });
});
