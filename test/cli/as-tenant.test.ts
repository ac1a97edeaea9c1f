import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchUp, untilUp } from '#test/system/running-stack.ts';
import { run, runJson } from './run.ts';

/** One stack for all of them: it takes seconds to start, and none of them hinders another. */
let parent: string;
let directory: string;
let launched: ReturnType<typeof launchUp>;
beforeAll(async () => {
  parent = await mkdtemp(join(tmpdir(), 'aurora-tenant-'));
  directory = join(parent, 'state');
  launched = launchUp(directory, { speed: '600', seed: '1' });
  await untilUp(launched);
}, 60_000);
afterAll(async () => {
  await launched.kill();
  await launched.ended;
  await rm(parent, { recursive: true, force: true });
});

const here = (...words: readonly string[]): readonly string[] => [...words, '--dir', directory];

interface Routed {
  readonly status: string;
  readonly deployment_id: string;
  readonly provider: string;
}
interface Page {
  readonly deployments: readonly {
    readonly deployment_id: string;
    readonly tenant_id: string;
    readonly status: string;
  }[];
  readonly next: string | null;
}

const LOOK_EVERY_MS = 100;

async function untilListed(id: string, listed: boolean): Promise<Page> {
  for (;;) {
    const { value } = await runJson<Page>(...here('deployments', '--limit', '1000'));
    if (value.deployments.some(({ deployment_id: one }) => one === id) === listed) return value;
    await sleep(LOOK_EVERY_MS);
  }
}

describe('vm as a tenant', () => {
  it('shows what is sold, cheapest first, by any spelling of a GPU', async () => {
    const { code, value } = await runJson<{ offers: { gpu_type: string; region: string; usd_per_gpu_hour: number }[] }>(
      ...here('offers', '--gpu', 'RTX 4090', '--region', 'us-west', '--limit', '5'),
    );
    expect(code).toBe(0);
    expect(value.offers.length).toBeGreaterThan(0);
    expect(new Set(value.offers.map(({ gpu_type: gpu }) => gpu))).toEqual(new Set(['rtx4090']));
    for (const { region } of value.offers) expect(['us-west', 'global']).toContain(region);
    const prices = value.offers.map(({ usd_per_gpu_hour: usd }) => usd);
    expect(prices).toEqual(prices.toSorted((a, b) => a - b));
    const table = await run(...here('offers', '--gpu', 'b200'));
    expect(table).toMatchObject({ code: 0, out: 'nobody offers that now\n' });
  });

  it('shows how the marketplaces do', async () => {
    const { value } = await runJson<{ providers: { provider: string; health: string; offers: number }[] }>(
      ...here('providers'),
    );
    const byName = new Map(value.providers.map((one) => [one.provider, one]));
    for (const name of ['akash', 'render', 'vast'])
      expect(byName.get(name), name).toMatchObject({ health: 'up', offers: expect.any(Number) });
    expect((await run(...here('providers'))).out).toMatch(/^PROVIDER\s+HEALTH\s+OFFERS/);
  });

  it('asks for GPUs, sees the deployment, and ends it', async () => {
    const asked = here('route', '--gpu', 'a100', '--region', 'us-west', '--hours', '40', '--request-id', 'r-1');
    const { code, value } = await runJson<Routed>(...asked);
    expect({ code, value }).toMatchObject({ code: 0, value: { status: 'provisioning' } });
    // The same id: the same deployment, not a second one.
    expect((await runJson<Routed>(...asked)).value.deployment_id).toBe(value.deployment_id);
    const page = await untilListed(value.deployment_id, true);
    expect(page.deployments.filter(({ tenant_id: tenant }) => tenant === 'default')).toHaveLength(1);
    expect((await run(...here('deployments'))).out).toContain(value.deployment_id);

    const ended = await run(...here('terminate', value.deployment_id));
    expect(ended).toMatchObject({ code: 0, out: expect.stringContaining(`${value.deployment_id}: `) });
    await untilListed(value.deployment_id, false);
    expect((await run(...here('terminate', value.deployment_id))).out).toBe(`${value.deployment_id}: cancelled\n`);
  });

  it('is told why nothing fits, and what would', async () => {
    const words = here('route', '--gpu', 'a100', '--max-price', '0.01');
    const { code, out } = await run(...words);
    expect(code).toBe(1);
    expect(out).toMatch(/^nothing fits: none of \d+ offers is eligible; nearest: price \(max_price >= [\d.]+\)\n/);
    expect((await runJson<{ status: string }>(...words)).value.status).toBe('no_capacity');
  });

  it.each([
    [['route'], 64, 'usage', /which GPU/],
    [['route', '--gpu', 'a100', '--hours', 'many'], 64, 'usage', /--hours/],
    [['route', '--gpu', 'a100', '--hours', '0'], 2, 'body_invalid', /gpu_hours/],
    [['logs', 'nothing-of-ours'], 2, 'deployment_unknown', /nothing-of-ours/],
    [['terminate', '../route'], 2, 'deployment_unknown', /route/],
  ])('%j is refused in plain words', async (words, code, error, message) => {
    const answer = await runJson<{ error: { code: string; message: string } }>(...here(...words));
    expect(answer).toMatchObject({ code, value: { error: { code: error } } });
    expect(answer.value.error.message).toMatch(message);
  });

  it('finds nobody where no stack runs', async () => {
    const answer = await runJson<{ error: { code: string; message: string } }>(
      'route',
      '--gpu',
      'a100',
      '--dir',
      join(parent, 'elsewhere'),
    );
    expect(answer).toMatchObject({ code: 2, value: { error: { code: 'no_state' } } });
    expect(answer.value.error.message).toMatch(/start one with vm up, or give --url/);
  });
});
