import { describe, expect, test } from 'vitest';
import { BREAKER_FAILURES, BREAKER_PAUSE_MS } from '#shared/defaults.ts';
import { deploymentKey, deploymentRecord } from '#shared/domain/deployment.ts';
import { deploymentRequested } from '#shared/domain/events/catalogue.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { type DeployerReport, deployerKey, deployerReport } from '#shared/domain/provider-report.ts';
import { RejectedError } from '#shared/errors.ts';
import { type DeployHouse, deployHouse, drive, requestOf } from '#test/support/deploy-house.ts';
import { unavailable } from '#test/support/memory-provider.ts';
import { deliver } from '#test/support/push.ts';

const reportOf = async ({ state }: DeployHouse, provider = 'vast'): Promise<DeployerReport | null> => {
  const entry = await state.get(deployerKey(provider));
  return entry === null ? null : deployerReport.parse(entry.value);
};
/** Reports are written beside the work. */
const settle = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
};
/** One after the other, each asked for now. */
const asked = ({ clock }: DeployHouse, id: string, waitedMs = 0) => ({
  ...requestOf('vast:1', 'akash:2'),
  decision_id: id,
  requested_at: rfc3339(clock.now() - waitedMs),
});

describe('what deploy says of a provider', () => {
  test('how long what it took last had waited', async () => {
    const house = deployHouse();
    await deliver(house.app(), deploymentRequested, asked(house, 'd1', 1_500));
    await settle();
    expect(await reportOf(house)).toEqual({
      provider: 'vast',
      at: rfc3339(house.clock.now()),
      waited_ms: 1_500,
      breaker: 'closed',
      refusing: null,
    });
    expect(await reportOf(house, 'akash')).toBeNull();
  });

  test('at most every two seconds, and then the last of it', async () => {
    const house = deployHouse();
    const app = house.app();
    let writes = 0;
    const { swap } = house.state;
    house.state.swap = (key, ...rest) => {
      if (key === deployerKey('vast')) writes += 1;
      return swap(key, ...rest);
    };
    for (let i = 0; i < 10; i++) {
      await deliver(app, deploymentRequested, asked(house, `d${i}`, i * 100));
      await house.clock.advance(100);
    }
    expect(writes).toBe(0);
    expect(await reportOf(house)).toMatchObject({ waited_ms: 0 });
    await house.clock.advance(1_000);
    await settle();
    expect(writes).toBe(1);
    expect(await reportOf(house)).toMatchObject({ waited_ms: 900 });
    expect(house.clock.pending()).toBe(0);
  });

  test('that its breaker opens, half opens and closes: at once, and as a gauge', async () => {
    const house = deployHouse();
    const app = house.app();
    const state = async () => {
      await settle();
      const gauge = (await house.deps.metrics.exposition()).match(/aurora_breaker_state\{dependency="vast"\} (\d)/);
      return [(await reportOf(house))?.breaker, gauge?.[1]];
    };
    house.providers.vast.failure = unavailable();
    for (let i = 0; i < BREAKER_FAILURES - 1; i++) await deliver(app, deploymentRequested, asked(house, `d${i}`));
    expect(await state()).toEqual(['closed', '0']);
    await deliver(app, deploymentRequested, asked(house, 'd9'));
    expect(await state()).toEqual(['open', '2']);
    await house.clock.advance(BREAKER_PAUSE_MS);
    const go = Promise.withResolvers<void>();
    house.providers.vast.failure = null;
    house.providers.vast.beforeDeploy = () => go.promise;
    const last = deliver(app, deploymentRequested, asked(house, 'd9'));
    expect(await state()).toEqual(['half_open', '1']);
    go.resolve();
    expect(await last).toBe(204);
    expect(await state()).toEqual(['closed', '0']);
  });

  test.each(['provider_unauthorized', 'provider_funds'] as const)(
    'that it refuses us (%s), until it has done what it was asked',
    async (code) => {
      const house = deployHouse();
      const app = house.app();
      house.providers.vast.failure = new RejectedError(code, 'vast create: HTTP 40x');
      await drive(house, requestOf('vast:1', 'akash:2'));
      await settle();
      // Elsewhere it runs, and nobody but we had a fault.
      expect(house.living()).toEqual(['akash-instance-1']);
      expect(house.bus.payloads('routing-outcome')).toMatchObject([{ status: 'failed_to_start', blame: 'ours' }]);
      await deliver(app, deploymentRequested, asked(house, 'd2'));
      await settle();
      expect(await reportOf(house)).toMatchObject({ refusing: { code, message: 'vast create: HTTP 40x' } });
      expect(await reportOf(house, 'akash')).toMatchObject({ refusing: null });
      house.providers.vast.failure = null;
      await deliver(app, deploymentRequested, asked(house, 'd3'));
      await settle();
      expect(await reportOf(house)).toMatchObject({ refusing: null });
    },
  );

  test('not that it refuses one order', async () => {
    const house = deployHouse();
    house.providers.vast.failure = new RejectedError('provider_refused', 'vast create: 400 invalid_args');
    await drive(house, requestOf('vast:1', 'akash:2'));
    await settle();
    expect(await reportOf(house)).toMatchObject({ refusing: null, breaker: 'closed' });
    expect(house.living()).toEqual(['akash-instance-1']);
    expect(house.bus.payloads('routing-outcome')).toMatchObject([{ status: 'failed_to_start', blame: 'ours' }]);
  });

  test('not that tenants gave up what it was making for them', async () => {
    const house = deployHouse();
    const app = house.app();
    house.providers.vast.deploy = async (_offer, _spec, { requestId, begun }) => {
      const entry = await house.state.get(deploymentKey(requestId));
      const record = deploymentRecord.parse(entry?.value);
      await house.state.swap(entry?.key ?? '', entry?.version ?? '', {
        ...record,
        cancel_requested_at: rfc3339(house.clock.now()),
      });
      await begun?.('b-1');
      throw new Error('expected the record to be another’s by now');
    };
    for (let i = 0; i < BREAKER_FAILURES; i++)
      expect(await deliver(app, deploymentRequested, asked(house, `d${i}`))).toBe(503);
    await settle();
    expect(await reportOf(house)).toMatchObject({ breaker: 'closed' });
  });

  test('a process that begins asks anew', async () => {
    const house = deployHouse();
    const refusing = { code: 'provider_funds', message: 'HTTP 402' };
    const before: DeployerReport = { provider: 'vast', at: rfc3339(0), waited_ms: 9, breaker: 'closed', refusing };
    await house.state.create(deployerKey('vast'), before);
    await house.app().start();
    await settle();
    expect(await reportOf(house)).toMatchObject({ refusing: null });
    expect(await reportOf(house, 'akash')).toBeNull();
  });
});

test('what changes while a report is being written is in the next', async () => {
  const house = deployHouse();
  const app = house.app();
  const go = Promise.withResolvers<void>();
  const { create } = house.state;
  house.state.create = async (key, ...rest) => {
    const made = await create(key, ...rest);
    if (key.startsWith('deployer/')) await go.promise;
    return made;
  };
  await deliver(app, deploymentRequested, asked(house, 'd1'));
  house.providers.vast.failure = new RejectedError('provider_funds', 'HTTP 402');
  await deliver(app, deploymentRequested, asked(house, 'd2'));
  expect(await reportOf(house)).toMatchObject({ refusing: null });
  go.resolve();
  await settle();
  expect(await reportOf(house)).toMatchObject({ refusing: { code: 'provider_funds' } });
});

test('a report that cannot be written is in nobody’s way, and the next one is', async () => {
  const house = deployHouse();
  const { create } = house.state;
  house.state.create = (key, ...rest) => {
    if (key.startsWith('deployer/')) return Promise.reject(new Error('the disk is full'));
    return create(key, ...rest);
  };
  const app = house.app();
  expect(await deliver(app, deploymentRequested, asked(house, 'd1', 5))).toBe(204);
  await settle();
  expect(house.deps.lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
  house.state.create = create;
  await house.clock.advance(2_000);
  expect(await deliver(app, deploymentRequested, asked(house, 'd2', 7))).toBe(204);
  await settle();
  expect(await reportOf(house)).toMatchObject({ waited_ms: 7 });
});

test('the drain waits for a report under way, then closes the providers', async () => {
  const house = deployHouse();
  const app = house.app();
  const go = Promise.withResolvers<void>();
  const { create } = house.state;
  house.state.create = async (key, ...rest) => {
    if (key.startsWith('deployer/')) await go.promise;
    return create(key, ...rest);
  };
  await deliver(app, deploymentRequested, asked(house, 'd1'));
  const draining = app.drain();
  await settle();
  expect(house.providers.vast.closed).toBe(0);
  go.resolve();
  await draining;
  expect(house.providers.vast.closed).toBe(1);
  expect(await reportOf(house)).not.toBeNull();
});

test('a decision that ends without having run is settled with nothing', async () => {
  const house = deployHouse();
  house.providers.vast.gone.add('vast:1');
  await drive(house, requestOf('vast:1'));
  expect(house.settlements).toMatchObject([{ decision_id: 'd1', cost_usd: 0 }]);
});
