import { createServer } from 'node:http';
import { afterEach, expect, test } from 'vitest';
import { hostClock } from '#shared/adapters/clock/host.ts';
import type { ProviderClient } from '#shared/providers/client.ts';
import { vastLogs } from '#shared/providers/vast/logs.ts';
import { createHttpClient } from '#shared/runtime/http-client.ts';
import { guardedLookup } from '#shared/runtime/public-address.ts';
import { closeServer, listenOnLoopback } from '#test/support/loopback.ts';

const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()));
});

/** A log on this machine, and what Vast's adapter reads of it when Vast names it by this host. */
async function logsAt(host: string, loopback: boolean) {
  let asked = 0;
  const server = createServer((_, response) => {
    asked += 1;
    response.end('a secret of this machine');
  });
  const port = new URL(await listenOnLoopback(server)).port;
  const elsewhere = createHttpClient({ hostClock, lookup: guardedLookup({ loopback }) });
  closers.push(
    () => closeServer(server),
    () => elsewhere.close(),
  );
  const vast: Pick<ProviderClient, 'askOrNull'> = { askOrNull: async <T>() => `http://${host}:${port}/log` as T };
  const logs = vastLogs(vast as ProviderClient, elsewhere, { hostClock, rules: { loopback } });
  const text = async (): Promise<string> => {
    let all = '';
    for await (const chunk of await logs('77', { deadline: hostClock.now() + 5_000 })) all += Buffer.from(chunk);
    return all;
  };
  return { text, asked: () => asked };
}

test.each(['127.0.0.1', '127.1', '2130706433', '[::1]', '[::ffff:127.0.0.1]', 'localhost'])(
  'a log that lies at %s is not read, whoever says so',
  async (host) => {
    const { text, asked } = await logsAt(host, false);
    await expect(text()).rejects.toThrow(/may not be called/);
    expect(asked()).toBe(0);
  },
);

test.each(['127.0.0.1', 'localhost'])('one of a fake on this machine is: %s', async (host) => {
  const { text } = await logsAt(host, true);
  expect(await text()).toBe('a secret of this machine');
});
