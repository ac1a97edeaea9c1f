import { beforeEach, describe, expect, test } from 'vitest';
import { sdlOf } from '#shared/providers/akash/sdl.ts';
import { isOver } from '#shared/providers/provider.ts';
import { startFakeAkash } from '#sim/providers/akash/index.ts';
import { akash } from './akash-subject.ts';
import { calls, connect, deploy, house, move, moveForEach, provider } from './provider-house.ts';
import {
  billsOf,
  deployOn,
  errorOf,
  type ProviderSubject,
  running,
  soon,
  specOf,
  statusWhen,
  WAYS,
} from './providers-world.ts';

// Patient with the line, which is not what is tested here, and not long with bids.
moveForEach(akash, { attemptMs: 1_000, deployMs: 1_500 });

describe('what stays open', () => {
  /** It comes to nothing, and nobody can close anything. */
  const abandon = async (
    requestId: string,
    from = provider,
    how = { fault: 'bid_closes', operation: 'lease' },
  ): Promise<void> => {
    house.fake.faults.set([how, { fault: '500', operation: 'close' }]);
    expect((await errorOf(deploy(requestId, from))).code).toBe('offer_gone');
    house.fake.faults.set([]);
    expect(running(billsOf(house.fake, requestId))).toHaveLength(1);
  };

  test.each(['before a bid', 'before the lease'])(
    '%s is closed by the next list of whoever could not',
    async (when) => {
      if (when === 'before the lease') await abandon('o-1');
      else await abandon('o-1', provider, { fault: 'no_bids', operation: 'create' });
      expect(await provider.instances(soon())).toEqual([]);
      expect(house.fake.bills()).toEqual([]);
    },
  );

  test('is closed by the next deployment of whoever comes after it, of any request', async () => {
    await abandon('o-2');
    await deploy('o-3', connect());
    expect(house.fake.bills().map(({ label }) => label.endsWith('o-3'))).toEqual([true]);
  });

  test('is left alone by a list of somebody who knows nothing of it: another process may be about to lease it', async () => {
    await abandon('o-4');
    const stranger = connect();
    await stranger.instances(soon());
    await stranger.instances(soon());
    expect(calls('close').filter(({ status }) => status === 200)).toEqual([]);
  });

  test('holds up a deployment as long as it cannot be closed', async () => {
    await abandon('o-5');
    house.fake.faults.set([{ fault: '500', operation: 'close' }]);
    expect(await errorOf(deploy('o-6', connect(), {}, 400))).toMatchObject({ retryable: true });
    expect(calls('create')).toHaveLength(1);
  });

  test('requests at once are made one after the other, and none closes what another has begun', async () => {
    // Made, and not heard of yet, while the others come.
    house.fake.faults.set([{ fault: 'slow_first_byte', operation: 'create', times: 1 }]);
    const first = deploy('o-9');
    await expect.poll(() => calls('create').length, { interval: 5 }).toBe(1);
    const made = await Promise.all([first, deploy('o-10'), deploy('o-11')]);
    expect(new Set(made.map(({ instance_id }) => instance_id)).size).toBe(3);
    expect(running(house.fake.bills())).toHaveLength(3);
    expect(calls('close')).toEqual([]);
  });

  test('a lease of which its provider says nothing may be the one that is looked for: nobody makes a second', async () => {
    const id = await deployOn(provider, WAYS.runs, 'o-12');
    house.fake.faults.set([{ fault: 'status_silent' }]);
    const fresh = connect();
    expect((await errorOf(deploy('o-12', fresh))).code).toBe('provider_unavailable');
    expect((await errorOf(fresh.find('o-12', soon()))).code).toBe('provider_unavailable');
    expect(await provider.find('o-12', soon())).toBe(id);
    house.fake.faults.set([]);
    expect((await deploy('o-12', fresh)).instance_id).toBe(id);
    expect(house.fake.bills()).toHaveLength(1);
  });

  test('twins of one request, made by two processes at once, are one again at the next look', async () => {
    const first = await deployOn(provider, WAYS.runs, 'o-13');
    const second = await leaseByHand('o-13');
    expect(running(billsOf(house.fake, 'o-13'))).toHaveLength(2);
    const fresh = connect();
    expect(await fresh.find('o-13', soon())).toBe(first);
    expect((await deploy('o-13', fresh)).instance_id).toBe(first);
    expect(running(billsOf(house.fake, 'o-13')).map(({ native_id }) => native_id)).toEqual([first]);
    expect(await fresh.status(second, soon())).toMatchObject({ state: 'cancelled' });
  });

  test('what has ended under the request is closed with its successor, and gives its deposit back', async () => {
    house.fake.faults.set([{ fault: 'lease_closed_provider', operation: 'lease' }]);
    const first = await deployOn(provider, WAYS.runs, 'o-14');
    house.fake.faults.set([]);
    expect(await statusWhen(house, provider, first, isOver)).toMatchObject({ state: 'preempted' });
    const { instance_id: second } = await deploy('o-14');
    expect(second).not.toBe(first);
    expect(running(billsOf(house.fake, 'o-14')).map(({ native_id }) => native_id)).toEqual([second]);
  });
});

/** Another process of this installation, in the middle of the same request. */
async function leaseByHand(requestId: string): Promise<string> {
  const call = async (path: string, body?: unknown) =>
    (
      await fetch(`${house.fake.url}/v1/${path}`, {
        headers: { 'x-api-key': akash.key },
        ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
      })
    ).json() as Promise<{ data: unknown }>;
  const sdl = sdlOf({
    label: `aurora-0123abcd-${requestId}`,
    requestId,
    spec: specOf(WAYS.runs),
    card: { model: WAYS.runs, ram: null },
    maxUactPerBlock: 1_000,
  });
  const { dseq, manifest } = (await call('deployments', { data: { sdl, deposit: 5 } })).data as {
    dseq: string;
    manifest: string;
  };
  house.skip(20_000);
  const [{ bid }] = (await call(`bids?dseq=${dseq}`)).data as [{ bid: { id: { provider: string } } }];
  await call('leases', { manifest, leases: [{ dseq, gseq: 1, oseq: 1, provider: bid.id.provider }] });
  return dseq;
}

describe('where the Console keeps what was sent', () => {
  const keeping: ProviderSubject = { ...akash, startFake: (world) => startFakeAkash({ ...world, keepsSdl: true }) };
  beforeEach(async () => {
    await house.close();
    await move(keeping);
  });

  test('a lease whose provider is silent is known all the same, with its GPUs', async () => {
    const id = await deployOn(provider, WAYS.runs, 'k-1', { gpu_count: 2 });
    house.fake.faults.set([{ fault: 'status_silent' }]);
    const fresh = connect();
    expect(await fresh.find('k-1', soon())).toBe(id);
    expect(await fresh.status(id, soon())).toMatchObject({ request_id: 'k-1', gpu_count: 2, state: 'provisioning' });
  });

  test('what another installation has just created is left to it', async () => {
    const other = connect({ fleet: 'ffffffff' });
    house.fake.faults.set([
      { fault: 'bid_closes', operation: 'lease' },
      { fault: '500', operation: 'close' },
    ]);
    await errorOf(deploy('k-2', other));
    house.fake.faults.set([]);
    await deploy('k-3');
    expect(running(house.fake.bills())).toHaveLength(2);
    await other.instances(soon());
    expect(running(house.fake.bills())).toHaveLength(1);
  });
});
