import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadMarketSpec } from '#sim/market/load-spec.ts';
import { createMarket } from '#sim/market/market.ts';
import { launchUp, untilUp } from '#test/system/running-stack.ts';
import { temporary } from './run.ts';

describe('vm up --scenario', () => {
  it('happens to the providers: in an outage of all of them nothing is routed', { timeout: 60_000 }, async () => {
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
  });
});
