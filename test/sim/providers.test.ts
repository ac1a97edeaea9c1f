import { describe, expect, it } from 'vitest';
import { TransientError } from '#shared/errors.ts';
import type { DeploySpec, OfferToDeploy, Provider } from '#shared/providers/provider.ts';
import { createMarket } from '#sim/market/market.ts';
import { simProviders } from '#sim/providers.ts';
import { fakeClock } from '#test/support/clock.ts';
import { HOUR_MS, START_MS, smallOffer, smallSpec } from './small-market.ts';

const offers = [smallOffer({ provider: 'Vast.ai' }), smallOffer({ provider: 'akash' })];
const LABEL = 'decision-1';
const job: DeploySpec = {
  gpu_type: 'rtx4090',
  region: 'us-east',
  gpu_count: 1,
  gpu_hours: 4,
  workload_type: 'render',
  max_usd_per_gpu_hour: null,
  image: 'nobody/looks',
  port: 8080,
};
const offered = (offer_id: string): OfferToDeploy => ({ offer_id, usd_per_gpu_hour: 0.4 });

function world(more: Readonly<Record<string, unknown>> = {}) {
  const clock = fakeClock(START_MS);
  const market = createMarket({ spec: smallSpec(offers, more), seed: 1, deviation: 0 });
  const providers = simProviders(market, { worldClock: clock, hostClock: clock });
  const named = (id: string): Provider => {
    const found = providers.find((provider) => provider.id === id);
    if (found === undefined) throw new Error(`expected a provider ${id}`);
    return found;
  };
  return { clock, market, providers, named, context: { deadline: Number.POSITIVE_INFINITY } };
}

describe('the simulated providers', () => {
  it('each sell their own offers, under canonical names', async () => {
    const { providers, context } = world();
    expect(providers.map((provider) => provider.id)).toEqual(['akash', 'vast']);
    for (const provider of providers)
      expect((await provider.offers({}, context)).map((one) => one.provider)).toEqual([provider.id]);
  });

  it('deploy a label once, at any time and for any offer', async () => {
    const { market, named, clock, context } = world();
    const vast = named('vast');
    const all = await Promise.all(
      Array.from({ length: 20 }, () =>
        vast.deploy(offered('vast:rtx4090-us-east'), job, { ...context, requestId: LABEL }),
      ),
    );
    await clock.advance(100 * HOUR_MS);
    all.push(await vast.deploy(offered('vast:no-longer-sold'), job, { ...context, requestId: LABEL }));
    expect(new Set(all.map((one) => one.instance_id)).size).toBe(1);
    expect(market.instances(clock.now()).map((line) => line.label)).toEqual(['decision-1']);
  });

  it('let an audit see a label that was deployed at two providers', async () => {
    const { market, named, clock, context } = world();
    await named('vast').deploy(offered('vast:rtx4090-us-east'), job, { ...context, requestId: LABEL });
    await named('akash').deploy(offered('akash:rtx4090-us-east'), job, { ...context, requestId: LABEL });
    await clock.advance(100 * HOUR_MS);
    const audit = market.instances(clock.now());
    expect(audit.map((line) => [line.label, line.provider])).toEqual([
      ['decision-1', 'vast'],
      ['decision-1', 'akash'],
    ]);
    expect(audit.every((line) => Math.abs(line.billed_usd - 1.6) < 1e-9)).toBe(true);
    expect(market.find('decision-1').map((one) => one.instance_id)).toEqual(audit.map((line) => line.instance_id));
  });

  it('know only their own instances and offers', async () => {
    const { named, context } = world();
    const { instance_id } = await named('vast').deploy(offered('vast:rtx4090-us-east'), job, {
      ...context,
      requestId: LABEL,
    });
    expect(await named('vast').status(instance_id, context)).toMatchObject({ instance_id, state: 'provisioning' });
    expect(await named('akash').status(instance_id, context)).toBeNull();
    await named('akash').terminate(instance_id, context);
    expect(await named('vast').status(instance_id, context)).toMatchObject({ state: 'provisioning' });
    await named('vast').terminate(instance_id, context);
    expect(await named('vast').status(instance_id, context)).toMatchObject({ state: 'cancelled' });
    await expect(
      named('akash').deploy(offered('vast:rtx4090-us-east'), job, { ...context, requestId: 'b' }),
    ).rejects.toMatchObject({
      code: 'offer_gone',
    });
  });

  it('find what lives under a label of theirs, and nothing that has ended', async () => {
    const { named, clock, context } = world();
    expect(await named('vast').find(LABEL, context)).toBeNull();
    const { instance_id } = await named('vast').deploy(offered('vast:rtx4090-us-east'), job, {
      ...context,
      requestId: LABEL,
    });
    expect(await named('vast').find(LABEL, context)).toBe(instance_id);
    expect(await named('akash').find(LABEL, context)).toBeNull();
    const other = await named('vast').deploy(offered('vast:rtx4090-us-east'), job, { ...context, requestId: 'short' });
    await named('vast').terminate(other.instance_id, context);
    expect(await named('vast').find('short', context)).toBeNull();
    await clock.advance(100 * HOUR_MS);
    expect(await named('vast').find(LABEL, context)).toBeNull();
  });

  it('follow the world clock', async () => {
    const { named, clock, context } = world();
    const vast = named('vast');
    const { instance_id } = await vast.deploy(offered('vast:rtx4090-us-east'), job, { ...context, requestId: LABEL });
    const states: (string | undefined)[] = [];
    for (const ms of [59_999, 1, 4 * HOUR_MS - 1, 1]) {
      await clock.advance(ms);
      states.push((await vast.status(instance_id, context))?.state);
    }
    expect(states).toEqual(['provisioning', 'running', 'running', 'completed']);
  });

  it('are unavailable now and then when the spec says so, and deploy when asked again', async () => {
    const { market, named, clock, context } = world({ unavailable_share: 0.5 });
    let failures = 0;
    for (let index = 0; index < 200; index++) {
      await clock.advance(1000);
      const label = `job ${index % 10}`;
      await named('vast')
        .deploy(offered('vast:rtx4090-us-east'), job, { ...context, requestId: label })
        .catch((error: unknown) => {
          expect(error).toBeInstanceOf(TransientError);
          failures += 1;
        });
    }
    expect(failures).toBeGreaterThan(60);
    expect(failures).toBeLessThan(140);
    expect(market.instances(clock.now()).length).toBe(10);
  });

  it('refuse a call whose deadline has passed or whose caller is gone', async () => {
    const { named, clock } = world();
    const late = { deadline: clock.now() };
    await expect(named('vast').offers({}, late)).rejects.toMatchObject({ code: 'provider_unavailable' });
    const gone = { deadline: Number.POSITIVE_INFINITY, signal: AbortSignal.abort() };
    await expect(
      named('vast').deploy(offered('vast:rtx4090-us-east'), job, { ...gone, requestId: LABEL }),
    ).rejects.toBeInstanceOf(TransientError);
  });
});
