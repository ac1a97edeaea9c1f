import { describe, expect, test } from 'vitest';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { isOver } from '#shared/providers/provider.ts';
import { canonicalJson, keyPairOf, renderSigner } from '#shared/providers/render/sign.ts';
import { startFakeRender } from '#sim/providers/render/index.ts';
import { calls, deploy, house, moveForEach, provider } from './provider-house.ts';
import { billsOf, deployOn, errorOf, makeHouse, running, soon, statusWhen, WAYS } from './providers-world.ts';
import { render } from './render-subject.ts';

/** What Render alone can do to an adapter, by the names of its fake. */
describe('render', () => {
  moveForEach(render);

  let signed = 0;
  const sign = renderSigner({
    ...keyPairOf(render.key),
    hostClock,
    nonceBytes: () => {
      signed += 1;
      const bytes = Buffer.alloc(16);
      bytes.writeUInt32BE(signed);
      return bytes;
    },
  });
  /** As another client with the key would create one. */
  async function makeUnder(title: string, body: Readonly<Record<string, unknown>> = {}): Promise<Response> {
    const text = canonicalJson({
      title,
      task: 'PERSISTENT',
      gpu_name: 'NVIDIA RTX 4090',
      gpu_count: 1,
      max_timeout_run_ms: null,
      parameters: { type: 'docker', parameters: { image: 'x', tag: 'y', ports: [8080] } },
      ...body,
    });
    return fetch(`${house.fake.url}/v1/jobs`, {
      method: 'POST',
      headers: sign({ method: 'POST', path: '/v1/jobs', query: {}, body: text }),
      body: text,
    });
  }

  test('what is ordered: a job that nobody but us ends, of one run, on the GPU and in the place that was offered', async () => {
    await deploy('r-0');
    const [job] = house.market.ofProvider('render');
    expect(JSON.parse(job?.note ?? '')).toMatchObject({
      title: 'aurora-0123abcd-r-0',
      task: 'PERSISTENT',
      image: 'registry.example/renderer',
      tag: '1.0',
      ports: [8080],
      gpu_name: 'NVIDIA RTX 4090',
      region_code: 'us-east-1',
    });
    expect(job).toMatchObject({ gpu_count: 1, gpu_hours: 2, workload_type: 'render' });
  });

  test('the fake refuses what Render would: a persistent job with a limit, one that names its GPU twice', async () => {
    for (const body of [
      { max_timeout_run_ms: 3_600_000 },
      { gpu_registry_uuid: 'x' },
      { max_timeout_start_ms: 60_000 },
    ])
      expect((await makeUnder('t', body)).status).toBe(400);
    expect((await makeUnder('t')).status).toBe(201);
  });

  test.each([
    'reset_after_effect',
    'hang_after_effect',
    'slow_first_byte',
    'malformed_json',
    'empty_body',
    '500_after_effect',
  ])('%s of a creation: looked for by its title in the same call, and found', async (fault) => {
    house.fake.faults.set([{ fault, operation: 'create_job' }]);
    const { instance_id: id } = await deploy('r-1');
    expect(billsOf(house.fake, 'r-1').map(({ native_id }) => native_id)).toEqual([id]);
    expect(calls('create_job')).toHaveLength(1);
  });

  test.each(['reset', 'hang', '500', 'html'])(
    '%s of a creation: not made, and not made twice in one call',
    async (fault) => {
      house.fake.faults.set([{ fault, operation: 'create_job' }]);
      expect((await errorOf(deploy('r-2'))).retryable).toBe(true);
      expect(calls('create_job')).toHaveLength(1);
      expect(house.fake.bills()).toEqual([]);
    },
  );

  test('of two jobs under one title the older stays', async () => {
    const title = 'aurora-0123abcd-r-3';
    expect((await makeUnder(title)).status).toBe(201);
    house.skip(1_000);
    expect((await makeUnder(title)).status).toBe(201);
    const [older, younger] = house.market.ofProvider('render');
    expect(younger?.created_ms).toBeGreaterThan(older?.created_ms ?? Number.POSITIVE_INFINITY);
    const { instance_id: id } = await deploy('r-3');
    expect(running(billsOf(house.fake, 'r-3')).map(({ native_id }) => native_id)).toEqual([id]);
    expect(house.market.ofProvider('render').map(({ cancelled_ms }) => cancelled_ms !== null)).toEqual([false, true]);
    expect(calls('create_job')).toHaveLength(2);
  });

  test.each(['offer_gone_404', 'offer_gone_410', 'no_capacity'])(
    '%s after a good list: the next offer’s turn',
    async (fault) => {
      house.fake.faults.set([{ fault, operation: 'create_job' }]);
      expect(await errorOf(deploy('r-6'))).toMatchObject({ code: 'offer_gone', retryable: false });
      expect(calls('create_job')).toHaveLength(1);
      expect(house.fake.bills()).toEqual([]);
    },
  );

  test('no credit is told as such, and not tried again', async () => {
    house.fake.faults.set([{ fault: 'no_credit', operation: 'create_job' }]);
    expect(await errorOf(deploy('r-7'))).toMatchObject({ code: 'provider_funds', retryable: false });
    expect(calls('create_job')).toHaveLength(1);
  });

  test('429: tried again after the time that it names', async () => {
    house.fake.faults.set([{ fault: '429', operation: 'create_job', times: 2 }]);
    await deploy('r-8');
    const creations = calls('create_job');
    expect(creations.map(({ status }) => status)).toEqual([429, 429, 201]);
    for (const [n, { world_ms }] of creations.slice(1).entries())
      expect(world_ms - (creations[n]?.world_ms ?? 0)).toBeGreaterThanOrEqual(1_000);
    expect(billsOf(house.fake, 'r-8')).toHaveLength(1);
  });

  test('an empty list of offers says nothing about capacity, neither to who lists nor to who deploys', async () => {
    house.fake.faults.set([{ fault: 'empty_list', operation: 'list_offers' }]);
    expect(await errorOf(provider.offers({}, soon()))).toMatchObject({ code: 'offers_unreadable', retryable: true });
    expect(await errorOf(deploy('r-9'))).toMatchObject({ code: 'offers_unreadable', retryable: true });
    expect(house.fake.bills()).toEqual([]);
  });

  test('null fields pass; a node of no known place serves no wish for a region', async () => {
    const { instance_id: id } = await deploy('r-10');
    await statusWhen(house, provider, id, ({ state }) => state === 'running');
    house.fake.faults.set([{ fault: 'null_fields' }]);
    const offers = await provider.offers({}, soon());
    expect(new Set(offers.map(({ region }) => region))).toEqual(new Set(['unknown']));
    expect(await provider.offers({ region: 'us-east' }, soon())).toEqual([]);
    expect(await provider.status(id, soon())).toMatchObject({ request_id: 'r-10', state: 'running', created_at: null });
    expect(await provider.instances(soon())).toHaveLength(1);
    expect((await errorOf(provider.logs(id, soon()))).code).toBe('logs_unavailable');
  });

  test('a larger node than was asked for: all of its GPUs are told, at the price of all', async () => {
    house.fake.faults.set([{ fault: 'larger_node', operation: 'create_job' }]);
    const { instance_id: id } = await deploy('r-11');
    const seen = await statusWhen(house, provider, id, ({ state }) => state === 'running');
    expect(seen.gpu_count).toBe(6);
    expect(seen.usd_per_hour).toBeCloseTo(2.4, 5);
    expect(await provider.instances(soon())).toMatchObject([{ instance_id: id, gpu_count: 6 }]);
    await statusWhen(house, provider, id, isOver);
    expect(billsOf(house.fake, 'r-11')[0]?.usd).toBeCloseTo(4.8, 3);
  });

  test('of all jobs some get one, by the seed', async () => {
    const given = async (largerNodeShare: number) => {
      const world = await makeHouse({ ...render, startFake: (w) => startFakeRender({ ...w, largerNodeShare }) });
      const from = world.connect();
      for (let n = 0; n < 12; n += 1) await deployOn(from, WAYS.runs, `s-${n}`);
      const counts = world.market.ofProvider('render').map(({ note }) => JSON.parse(note).node_gpus as number);
      await world.close();
      return counts;
    };
    expect(await given(1)).toEqual(Array.from({ length: 12 }, () => 6));
    const some = await given(0.4);
    expect(new Set(some)).toEqual(new Set([1, 6]));
    expect(await given(0.4)).toEqual(some);
  });

  test('a node that is dearer than may be paid for the GPUs that were asked for is not taken', async () => {
    // Three come in a node of four: 1.6 USD an hour, .533 for each.
    const limit = (usd: number) => deploy('r-12', provider, { gpu_count: 3, max_usd_per_gpu_hour: usd });
    expect((await errorOf(limit(0.5))).code).toBe('offer_gone');
    expect(calls('create_job')).toEqual([]);
    const { instance_id: id } = await limit(0.54);
    const seen = await statusWhen(house, provider, id, ({ state }) => state === 'running');
    expect(seen.gpu_count).toBe(4);
    expect(seen.usd_per_hour).toBeCloseTo(1.6, 5);
  });

  test('more GPUs than any node has: gone, and nothing is made', async () => {
    expect((await errorOf(deploy('r-13', provider, { gpu_count: 5 }))).code).toBe('offer_gone');
    expect(house.fake.bills()).toEqual([]);
  });

  test('a run that never says where it is runs without an address until it is ended', async () => {
    house.fake.faults.set([{ fault: 'no_node_urls', operation: 'create_job' }]);
    const { instance_id: id } = await deploy('r-14');
    const seen = await statusWhen(house, provider, id, ({ state }) => state === 'running');
    expect(seen).toMatchObject({ address: null, ended_at: null });
    house.skip(90 * 60_000);
    expect(await provider.status(id, soon())).toMatchObject({ state: 'running', address: null });
    await provider.terminate(id, soon());
    expect(running(house.fake.bills())).toEqual([]);
  });

  test('a status of unknown name is no end by itself; with one it is over, for whoever knows the plan to judge', async () => {
    house.fake.faults.set([{ fault: 'unknown_status', operation: 'create_job' }]);
    const { instance_id: id } = await deploy('r-15');
    await statusWhen(house, provider, id, ({ state }) => state === 'running');
    house.skip(3 * 3_600_000);
    const seen = await provider.status(id, soon());
    expect(seen).toMatchObject({ state: 'exited', blame: null });
    // Two hours, and the half minute before.
    expect(Date.parse(seen?.ended_at ?? '') - Date.parse(seen?.created_at ?? '')).toBe(2 * 3_600_000 + 30_000);
    expect(await provider.find('r-15', soon())).toBeNull();
  });

  test('more jobs than a page holds are all seen, and ended ones do not hide them', async () => {
    const ended = await Promise.all(Array.from({ length: 55 }, (_, n) => makeUnder(`stranger-${n}`, gpuless)));
    expect(ended.map(({ status }) => status)).toEqual(ended.map(() => 201));
    expect(await provider.instances(soon())).toHaveLength(55);
    expect(calls('list_jobs').length).toBeGreaterThan(2);
    // The oldest living one lies behind 55 that have ended.
    const { instance_id: id } = await deploy('r-16', provider, { gpu_hours: 20 });
    house.skip(2 * 3_600_000);
    for (let n = 0; n < 55; n += 1) await makeUnder(`another-${n}`, gpuless);
    house.skip(2 * 3_600_000);
    expect(await provider.find('r-16', soon())).toBe(id);
    expect((await provider.instances(soon())).map(({ instance_id }) => instance_id)).toEqual([id]);
  });

  test('what was made unheard and has run to its end since is the answer, not a second one', async () => {
    const { instance_id: id } = await deploy('r-20', provider, { gpu_hours: 0.1 });
    house.skip(6 * 3_600_000);
    expect(await provider.find('r-20', soon())).toBeNull();
    // A process that knows nothing of the first.
    expect(await deploy('r-20', house.connect())).toEqual({ instance_id: id });
    expect(calls('create_job')).toHaveLength(1);
    // What was cancelled is no answer: it was given up.
    const { instance_id: other } = await deploy('r-21');
    await provider.terminate(other, soon());
    expect((await deploy('r-21')).instance_id).not.toBe(other);
  });

  /** A hundred of them leave room for others. */
  const gpuless = {
    parameters: {
      type: 'docker',
      parameters: { image: 'x', tag: 'y', ports: [8080], env: { AURORA_GPU_HOURS: '0.1', AURORA_GPU_COUNT: '1' } },
    },
  };

  test('a cancellation that is refused: as good as done of one that is over, an error of one that runs on', async () => {
    const { instance_id: id } = await deploy('r-17');
    house.fake.faults.set([{ fault: 'not_cancellable', operation: 'cancel_job' }]);
    expect(await errorOf(provider.terminate(id, soon()))).toMatchObject({ code: 'provider_refused' });
    expect(running(house.fake.bills())).toHaveLength(1);
    house.fake.faults.set([]);
    await provider.terminate(id, soon());
    await provider.terminate(id, soon());
    expect(calls('cancel_job').map(({ status }) => status)).toEqual([409, 200, 409]);
    expect(running(house.fake.bills())).toEqual([]);
    expect(await provider.status(id, soon())).toMatchObject({ state: 'cancelled', blame: 'tenant' });
  });

  test('a cancellation that is answered with nothing: looked after, and done', async () => {
    const { instance_id: id } = await deploy('r-18');
    house.fake.faults.set([{ fault: 'empty_body', operation: 'cancel_job' }]);
    await provider.terminate(id, soon());
    expect(running(house.fake.bills())).toEqual([]);
  });

  test('one that was seen running did run, though nothing else tells so: who has not seen it takes it for a failed start', async () => {
    house.fake.faults.set([{ fault: 'no_node_urls', operation: 'create_job' }]);
    const id = await deployOn(provider, WAYS.taken, 'r-19');
    for (let looks = 0; looks < 100; looks += 1) {
      if ((await provider.status(id, soon()))?.state === 'running') break;
      house.skip(1_000);
    }
    expect(await statusWhen(house, provider, id, isOver)).toMatchObject({ state: 'preempted', blame: 'provider' });
    expect(await house.connect().status(id, soon())).toMatchObject({ state: 'failed_to_start', blame: 'provider' });
  });

  test('what its container has written, once it runs', async () => {
    const { instance_id: id } = await deploy('r-20');
    expect((await errorOf(provider.logs(id, soon()))).code).toBe('logs_unavailable');
    await statusWhen(house, provider, id, ({ state }) => state === 'running');
    let written = '';
    for await (const chunk of await provider.logs(id, soon())) written += Buffer.from(chunk).toString();
    expect(written).toMatch(/^2026-01-01T.*Z render on 1 GPUs\n$/);
    for (const none of ['12345', 'no such id', '../x'])
      expect((await errorOf(provider.logs(none, soon()))).code).toBe('logs_unavailable');
  });
});
