import { readdir, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadMarketSpec } from '#sim/market/load-spec.ts';
import { createMarket } from '#sim/market/market.ts';
import { runsDear } from '#test/support/dear.ts';
import { launchUp, untilUp } from '#test/system/running-stack.ts';
import { runJson, temporary } from './run.ts';

describe('vm up --port', () => {
  it.each([0, 3, 21])('refuses before anything is made, when port +%d is taken', async (above) => {
    const parent = await temporary();
    const taken = createServer();
    const port = await new Promise<number>((resolve) => {
      taken.listen(0, '127.0.0.1', () => resolve((taken.address() as AddressInfo).port));
    });
    try {
      const base = port - above;
      const { code, value } = await runJson('up', '--dir', join(parent, 'new'), '--port', String(base));
      expect({ code, value }).toMatchObject({
        code: 2,
        value: {
          error: {
            code: 'port_unavailable',
            // Other tests hold ports too, perhaps one below.
            message: expect.stringContaining(
              `--port ${base} needs ${base} to ${base + 21}: cannot listen on 127.0.0.1:`,
            ),
          },
        },
      });
      expect(await readdir(parent)).toEqual([]);
    } finally {
      await new Promise((closed) => taken.close(closed));
    }
  });
});

describe('vm up --scenario', () => {
  it.skipIf(!runsDear)(
    'happens to the providers: in an outage of all of them nothing is routed',
    { timeout: 60_000 },
    async () => {
      const directory = await temporary();
      const { providers } = createMarket({ spec: loadMarketSpec('default'), seed: 1, deviation: 1 });
      const blackout = {
        name: 'blackout',
        description: 'Nobody sells anything.',
        events: providers.map((provider) => ({ type: 'outage', provider, from_h: 0, to_h: 1_000_000 })),
      };
      const path = join(directory, 'blackout.json');
      await writeFile(path, JSON.stringify(blackout));
      const launched = launchUp(join(directory, 'state'), { speed: '1', scenario: path });
      try {
        const stack = await untilUp(launched);
        expect(launched.stdout()).toContain('"scenario":"blackout"');
        const response = await fetch(`${stack.url}/route`, {
          method: 'POST',
          body: JSON.stringify({ workload_type: 'llm_inference', gpu_type: 'a100', region: 'us-west', gpu_hours: 1 }),
        });
        expect(response.status).toBe(503);
        expect(await response.json()).toMatchObject({
          status: 'no_capacity',
          reason: expect.stringMatching(/^none of \d+ offers is eligible; nearest: inactive/),
          excluded: expect.arrayContaining([expect.objectContaining({ reason: 'inactive' })]),
        });
        expect(await stack.stop()).toBe(0);
      } finally {
        await launched.kill();
      }
    },
  );
});
