import { describe, expect, test } from 'vitest';
import { isOver } from '#shared/providers/provider.ts';
import { calls, deploy, house, moveForEach, offer, provider } from './provider-house.ts';
import { billsOf, deployOn, errorOf, HELD_UP_MS, running, soon, specOf, statusWhen, WAYS } from './providers-world.ts';
import { vast } from './vast-subject.ts';

/** What Vast alone can do to an adapter, by the names of its fake. */
describe('vast', () => {
  moveForEach(vast);

  /** As another client with the key would make one. */
  const makeUnder = async (label: string): Promise<number> => {
    const ask = /-4x(\d+)$/.exec(offer.offer_id)?.[1];
    const answer = await fetch(`${house.fake.url}/api/v0/asks/${ask}/`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${vast.key}` },
      body: JSON.stringify({ image: 'x', disk: 8, label, env: { AURORA_GPU_COUNT: '4', AURORA_GPU_HOURS: '0.1' } }),
    });
    const { new_contract: id } = (await answer.json()) as { new_contract: number };
    house.skip(5_000);
    return id;
  };

  test.each(['429_text', '429_json'])('%s: tried again after the threshold, and made once', async (fault) => {
    house.fake.faults.set([{ fault, operation: 'create', times: 2 }]);
    await deploy('v-1');
    const creations = calls('create');
    expect(creations.map(({ status }) => status)).toEqual([429, 429, 200]);
    for (const [n, { world_ms }] of creations.slice(1).entries())
      expect(world_ms - (creations[n]?.world_ms ?? 0)).toBeGreaterThanOrEqual(4_500 - HELD_UP_MS);
    expect(billsOf(house.fake, 'v-1')).toHaveLength(1);
  });

  test.each(['429_text', '429_json'])('%s for ever: four attempts, then it is the caller’s', async (fault) => {
    house.fake.faults.set([{ fault, operation: 'create' }]);
    expect(await errorOf(deploy('v-2'))).toMatchObject({ code: 'provider_rate_limited', retryable: true });
    expect(calls('create')).toHaveLength(4);
    expect(house.fake.bills()).toEqual([]);
  });

  test.each([
    'reset_after_effect',
    'hang_after_effect',
    'slow_first_byte',
    'malformed_json',
    'empty_body',
    '500_after_effect',
  ])('%s of a creation: looked for by its label in the same call, and found', async (fault) => {
    house.fake.faults.set([{ fault, operation: 'create' }]);
    const { instance_id: id } = await deploy('v-0');
    expect(billsOf(house.fake, 'v-0').map(({ native_id }) => native_id)).toEqual([id]);
    expect(calls('create')).toHaveLength(1);
    expect(calls('list')).toHaveLength(2);
  });

  test('late_listing: a creation whose answer was lost and that is not listed yet is not made again in a hurry', async () => {
    house.fake.faults.set([
      { fault: 'reset_after_effect', operation: 'create', times: 1 },
      { fault: 'late_listing', operation: 'list' },
    ]);
    expect((await errorOf(deploy('v-01'))).code).toBe('provider_unavailable');
    expect(calls('create')).toHaveLength(1);
    // The queue delivers again, later.
    house.skip(61_000);
    const { instance_id: id } = await deploy('v-01', house.connect());
    expect(billsOf(house.fake, 'v-01').map(({ native_id }) => native_id)).toEqual([id]);
  });

  test.each(['reset', 'hang', '500', 'html'])(
    '%s of a creation: not made, and not made twice in one call',
    async (fault) => {
      house.fake.faults.set([{ fault, operation: 'create' }]);
      expect((await errorOf(deploy('v-00'))).retryable).toBe(true);
      expect(calls('create')).toHaveLength(1);
      expect(house.fake.bills()).toEqual([]);
    },
  );

  test.each([
    ['its price cannot be looked up', 'get'],
    ['it is too dear, and stays', 'destroy'],
  ])('made, and then refused, %s: it comes again, for it may live', async (_, operation) => {
    house.fake.faults.set([
      { fault: 'dearer', operation: 'create' },
      { fault: 'no_credit', operation },
    ]);
    const anew = () => deployOn(provider, WAYS.runs, 'v-02', { max_usd_per_gpu_hour: 0.41 });
    expect(await errorOf(anew())).toMatchObject({ code: 'provider_unavailable', retryable: true });
    expect(running(billsOf(house.fake, 'v-02'))).toHaveLength(1);
    house.fake.faults.set([]);
    expect((await errorOf(anew())).code).toBe('offer_gone');
    expect(running(billsOf(house.fake, 'v-02'))).toEqual([]);
  });

  test.each(['offer_gone_404', 'offer_gone_410'])('%s after a good search: the next offer’s turn', async (fault) => {
    house.fake.faults.set([{ fault, operation: 'create' }]);
    expect(await errorOf(deploy('v-3'))).toMatchObject({ code: 'offer_gone', retryable: false });
    expect(calls('create')).toHaveLength(1);
    expect(house.fake.bills()).toEqual([]);
  });

  // Another client read it as an empty list and launched instance after instance, each billed: skypilot#10517.
  test('deprecated_endpoint is no empty list: nothing is made on the word of it', async () => {
    await deploy('v-4');
    house.fake.faults.set([{ fault: 'deprecated_endpoint' }]);
    for (const call of [
      () => deploy('v-4', house.connect()),
      () => provider.find('v-4', soon()),
      () => provider.instances(soon()),
      () => provider.status('1', soon()),
    ])
      expect(await errorOf(call())).toMatchObject({
        code: 'provider_answer_invalid',
        message: expect.stringContaining('deprecated'),
      });
    expect((await errorOf(provider.offers({}, soon()))).code).toBe('offers_unreadable');
    expect(calls('create')).toHaveLength(1);
    expect(house.fake.bills()).toHaveLength(1);
  });

  test('an empty list of offers says nothing about capacity', async () => {
    house.fake.faults.set([{ fault: 'empty_list', operation: 'search' }]);
    expect(await errorOf(provider.offers({}, soon()))).toMatchObject({ code: 'offers_unreadable', retryable: true });
  });

  test('no credit is told as such, and not tried again', async () => {
    house.fake.faults.set([{ fault: 'no_credit', operation: 'create' }]);
    expect(await errorOf(deploy('v-5'))).toMatchObject({ code: 'provider_funds', retryable: false });
    expect(calls('create')).toHaveLength(1);
  });

  test('null fields pass; a machine of no known place serves no wish for a region', async () => {
    house.fake.faults.set([{ fault: 'null_fields' }]);
    const offers = await provider.offers({}, soon());
    expect(new Set(offers.map(({ region }) => region))).toEqual(new Set(['unknown']));
    expect(await provider.offers({ region: 'us-east' }, soon())).toEqual([]);
    expect(await provider.offers({ region: 'global' }, soon())).toHaveLength(offers.length);
    const { instance_id: id } = await deploy('v-6');
    expect(await provider.status(id, soon())).toMatchObject({ request_id: 'v-6' });
    expect(await provider.instances(soon())).toHaveLength(1);
  });

  test('stuck in loading: provisioning until it has exited, the provider’s failure then', async () => {
    house.fake.faults.set([{ fault: 'stuck_loading', operation: 'create' }]);
    const { instance_id: id } = await deploy('v-7');
    house.skip(15 * 60_000);
    expect(await provider.status(id, soon())).toMatchObject({ state: 'provisioning', ready_at: null });
    expect(await statusWhen(house, provider, id, isOver)).toMatchObject({
      state: 'failed_to_start',
      blame: 'provider',
    });
  });

  test('outbid: it ran, and is stopped; its disk costs until it is destroyed', async () => {
    house.fake.faults.set([{ fault: 'outbid', operation: 'create' }]);
    const { instance_id: id } = await deploy('v-8');
    await statusWhen(house, provider, id, ({ state }) => state === 'running');
    expect(await statusWhen(house, provider, id, isOver)).toMatchObject({ state: 'preempted', blame: 'provider' });
    const usd = () => billsOf(house.fake, 'v-8')[0]?.usd ?? 0;
    const before = usd();
    house.skip(3_600_000);
    expect(usd()).toBeGreaterThan(before);
    await provider.terminate(id, soon());
    const after = usd();
    house.skip(3_600_000);
    expect(usd()).toBe(after);
  });

  test('dearer than it was listed: given back at once where there is a limit, taken where there is none', async () => {
    house.fake.faults.set([{ fault: 'dearer', operation: 'create' }]);
    const limited = { ...specOf(WAYS.runs), max_usd_per_gpu_hour: 0.45 };
    const error = await errorOf(provider.deploy(offer, limited, { ...soon(), requestId: 'v-9' }));
    expect(error).toMatchObject({ code: 'offer_gone', message: expect.stringContaining('0.45') });
    expect(running(house.fake.bills())).toEqual([]);
    expect(house.fake.bills().map(({ usd }) => usd < 0.001)).toEqual([true]);
    await deploy('v-9');
    expect(running(billsOf(house.fake, 'v-9'))).toHaveLength(1);
  });

  test('the ask of the right size is taken, or the next larger one', async () => {
    for (const [asking, given] of [
      [1, 1],
      [2, 2],
      [3, 4],
      [4, 4],
    ] as const) {
      const requestId = `v-10-${asking}`;
      const spec = { ...specOf(WAYS.runs), gpu_count: asking };
      const { instance_id: id } = await provider.deploy(offer, spec, { ...soon(), requestId });
      expect(await provider.status(id, soon())).toMatchObject({ gpu_count: given });
      await provider.terminate(id, soon());
    }
    const spec = { ...specOf(WAYS.runs), gpu_count: 5 };
    expect((await errorOf(provider.deploy(offer, spec, { ...soon(), requestId: 'v-10' }))).code).toBe('offer_gone');
  });

  test('twins under one label: the oldest stays, the others are ended', async () => {
    const label = 'aurora-0123abcd-v-11';
    const twins = [await makeUnder(label), await makeUnder(label), await makeUnder(label)];
    expect(await deploy('v-11')).toEqual({ instance_id: String(twins[0]) });
    expect(running(house.fake.bills()).map(({ native_id }) => native_id)).toEqual([String(twins[0])]);
  });

  test('a list of several pages is read to its end, and one without an end is not believed', async () => {
    const made = new Set<string>();
    for (let n = 0; n < 27; n += 1) made.add(String(await makeUnder(`somebody-${n}`)));
    expect(new Set((await provider.instances(soon())).map(({ instance_id }) => instance_id))).toEqual(made);
    expect(calls('list')).toHaveLength(2);
    expect(await provider.find('v-12', soon())).toBeNull();
  });

  test('logs come from elsewhere, and the key does not go there', async () => {
    const id = await deployOn(provider, WAYS.runs, 'v-13');
    const text = async (): Promise<string> => {
      let all = '';
      for await (const chunk of await provider.logs(id, soon())) all += Buffer.from(chunk).toString();
      return all;
    };
    await statusWhen(house, provider, id, ({ state }) => state === 'running');
    expect(await text()).toContain('pulling registry.example/renderer:1.0');
    const fetched = calls('fetch_log');
    expect(fetched.length).toBeGreaterThan(0);
    expect(fetched.filter(({ key_ok }) => key_ok)).toEqual([]);
  });

  test('logs that nobody writes are waited for until the deadline; of no instance there are none', async () => {
    const id = await deployOn(provider, WAYS.runs, 'v-14');
    house.fake.faults.set([{ fault: 'log_never', operation: 'logs' }]);
    expect((await errorOf(provider.logs(id, soon(500)))).code).toBe('deadline_exceeded');
    expect((await errorOf(provider.logs('123', soon()))).code).toBe('logs_unavailable');
    expect((await errorOf(provider.logs('../1', soon()))).code).toBe('logs_unavailable');
  });
});
