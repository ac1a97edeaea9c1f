import { expect, test } from 'vitest';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { serveLean } from '#shared/runtime/hosts/lean.ts';
import { httpFunction, json } from '#shared/runtime/http-function.ts';
import { testDeps } from '#test/support/runtime.ts';
import { hostContract } from './hosts.ts';

hostContract('lean', serveLean);

test('several apps on one port, each under its name', async () => {
  const apps = ['score', 'route'].map((name) =>
    httpFunction({
      name,
      deps: testDeps(),
      routes: [{ method: 'GET', path: '/who', handle: ({ query }) => json(200, `${name} ${query.get('q')}`) }],
    }),
  );
  const server = await serveLean(apps, { port: 0, hostClock });
  try {
    for (const name of ['score', 'route']) {
      expect(await (await fetch(`${server.url}/${name}/who?q=1`)).json()).toBe(`${name} 1`);
      expect((await fetch(`${server.url}/${name}`)).status).toBe(404);
    }
    const lost = await fetch(`${server.url}/who`);
    expect([lost.status, await lost.text()]).toEqual([404, expect.stringContaining('/score/, /route/')]);
  } finally {
    await server.close();
  }
});

test('a port that is taken is an error, not a hang', async () => {
  const app = () => httpFunction({ name: 'a', deps: testDeps(), routes: [] });
  const server = await serveLean(app(), { port: 0, hostClock });
  await expect(serveLean(app(), { port: server.port, hostClock })).rejects.toMatchObject({ code: 'port_unavailable' });
  await server.close();
});
