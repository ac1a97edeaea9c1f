import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { offer as offerSchema } from '#shared/domain/offer.ts';
import type { Provider } from '#shared/providers/provider.ts';
import { isOver } from '#shared/providers/provider.ts';
import { memoryStore } from '#sim/market/store.ts';
import {
  billsOf,
  deployOn,
  errorOf,
  type House,
  makeHouse,
  offerOf,
  PATIENCE_MS,
  type ProviderSubject,
  running,
  soon,
  specOf,
  WAYS,
} from './providers-world.ts';

/** What a call gives when nothing is in its way. */
export function describeOffersAndDeploys(subject: ProviderSubject): void {
  describe('promises', () => {
    let house: House;
    let provider: Provider;
    beforeEach(async () => {
      house = await makeHouse(subject);
      provider = house.connect();
    });
    afterEach(() => house.close());

    test('offers are offers of this house, in its words and in USD', async () => {
      const offers = await provider.offers({}, soon());
      expect(new Set(offers.map(({ gpu_type }) => gpu_type))).toEqual(new Set(Object.values(WAYS)));
      expect(new Set(offers.map(({ offer_id }) => offer_id)).size).toBe(offers.length);
      for (const given of offers) {
        expect(offerSchema.parse(given)).toEqual(given);
        expect(given).toMatchObject({ provider: subject.id, offer_id: expect.stringMatching(`^${subject.id}:.+`) });
        // The market lists .4 USD; a disk, a fee or a bid may come on top.
        expect(given.usd_per_gpu_hour).toBeGreaterThan(0.3);
        expect(given.usd_per_gpu_hour).toBeLessThan(0.6);
      }
    });

    test('a filter leaves what was asked for', async () => {
      const some = await provider.offers({ gpu_type: WAYS.runs, gpu_count: 2 }, soon());
      expect(some.length).toBeGreaterThan(0);
      for (const given of some) {
        expect(given.gpu_type).toBe(WAYS.runs);
        expect(given.gpu_count).toBeGreaterThanOrEqual(2);
      }
      expect(await provider.offers({ gpu_type: 'none of these' }, soon())).toEqual([]);
    });

    test('what was deployed is found, seen, listed, and gone once it is terminated', async () => {
      const id = await deployOn(provider, WAYS.runs, 'r-1');
      expect(await provider.find('r-1', soon())).toBe(id);
      expect(await provider.status(id, soon())).toMatchObject({ instance_id: id, request_id: 'r-1' });
      const listed = await provider.instances(soon());
      expect(listed.filter((one) => !isOver(one)).map((one) => [one.instance_id, one.request_id])).toEqual([
        [id, 'r-1'],
      ]);
      expect(running(billsOf(house.fake, 'r-1'))).toHaveLength(1);

      await provider.terminate(id, soon());
      expect(running(house.fake.bills())).toEqual([]);
      expect(await provider.find('r-1', soon())).toBeNull();
      const after = await provider.status(id, soon());
      expect(after === null || isOver(after)).toBe(true);
      await provider.terminate(id, soon());
    });

    test('one request is one instance: again, at once, and by who remembers nothing', async () => {
      const offer = await offerOf(provider, WAYS.runs);
      const ask = (from: Provider) => from.deploy(offer, specOf(WAYS.runs), { ...soon(), requestId: 'r-2' });
      const made = await Promise.all([ask(provider), ask(provider), ask(provider)]);
      made.push(await ask(provider), await ask(house.connect()));
      expect(new Set(made.map(({ instance_id }) => instance_id)).size).toBe(1);
      expect(billsOf(house.fake, 'r-2')).toHaveLength(1);
    });

    test('two requests are two instances, and one is not found for the other', async () => {
      const ids = [await deployOn(provider, WAYS.runs, 'r-3'), await deployOn(provider, WAYS.runs, 'r-30')];
      expect(new Set(ids).size).toBe(2);
      expect(await provider.find('r-3', soon())).toBe(ids[0]);
      expect(await provider.find('r-30', soon())).toBe(ids[1]);
    });

    test('another installation on the same key has requests of its own', async () => {
      const other = house.connect({ fleet: 'ffffffff' });
      const mine = await deployOn(provider, WAYS.runs, 'r-4');
      expect(await other.find('r-4', soon())).toBeNull();
      const theirs = await deployOn(other, WAYS.runs, 'r-4');
      expect(theirs).not.toBe(mine);
      const seen = await provider.instances(soon());
      expect(Object.fromEntries(seen.map((one) => [one.instance_id, one.request_id]))).toEqual({
        [mine]: 'r-4',
        [theirs]: null,
      });
    });

    test('what is not there is null, and ends without complaint', async () => {
      expect(await provider.find('r-5', soon())).toBeNull();
      expect(await provider.instances(soon())).toEqual([]);
      for (const id of ['12345', 'no such id', '../../v0/users', '']) {
        expect(await provider.status(id, soon())).toBeNull();
        await provider.terminate(id, soon());
      }
    });

    test.each([
      ['taken since it was listed', async () => await offerOf(provider, WAYS.gone)],
      ['never sold here', async () => ({ offer_id: subject.unsold, usd_per_gpu_hour: 0.4 })],
      ['of another provider', async () => ({ offer_id: 'elsewhere:1', usd_per_gpu_hour: 0.4 })],
      ['nothing that could be an id', async () => ({ offer_id: `${subject.id}:../x?y#z`, usd_per_gpu_hour: 0.4 })],
    ])('an offer that is %s is gone, and nothing is made', async (_, offer) => {
      const error = await errorOf(provider.deploy(await offer(), specOf(WAYS.gone), { ...soon(), requestId: 'r-6' }));
      expect(error.code).toBe('offer_gone');
      expect(house.fake.bills()).toEqual([]);
    });

    test('an offer that is dearer than may be paid is gone, and nothing is made', async () => {
      const error = await errorOf(deployOn(provider, WAYS.runs, 'r-7', { max_usd_per_gpu_hour: 0.1 }));
      expect(error.code).toBe('offer_gone');
      expect(house.fake.bills()).toEqual([]);
      await deployOn(provider, WAYS.runs, 'r-7', { max_usd_per_gpu_hour: 1 });
      expect(running(billsOf(house.fake, 'r-7'))).toHaveLength(1);
    });

    test.each(['', 'Capital', 'a b', 'x'.repeat(65), 'ä'])(
      'a request id that no label carries is refused: %j',
      async (id) => {
        const offer = { offer_id: `${subject.id}:1`, usd_per_gpu_hour: 0.4 };
        const error = await errorOf(provider.deploy(offer, specOf(WAYS.runs), { ...soon(), requestId: id }));
        expect(error.code).toBe('provider_refused');
        expect(house.fake.log()).toEqual([]);
      },
    );

    test('health is one call with the key', async () => {
      const { answered_ms } = await provider.health(soon());
      expect(answered_ms).toBeGreaterThanOrEqual(0);
      expect(house.fake.log().map(({ key_ok, status }) => [key_ok, status])).toEqual([[true, 200]]);
    });

    test('an instant that has passed, and a caller who has left, cost no call', async () => {
      expect((await errorOf(provider.offers({}, { deadline: hostClock.now() - 1 }))).retryable).toBe(true);
      const reason = new Error('left');
      const signal = AbortSignal.abort(reason);
      await expect(provider.offers({}, { ...soon(), signal })).rejects.toBe(reason);
      expect(house.fake.log()).toEqual([]);
    });

    test('calls of one endpoint keep their distance, whoever makes them', async () => {
      const slow = await makeHouse(subject, { speed: 10 });
      const pair = [slow.connect(), slow.connect()] as const;
      const twice = pair.flatMap((one) => [one.offers({}, soon(9_000)), one.instances(soon(9_000))]);
      await Promise.all([...twice, ...pair.map((one) => one.offers({}, soon(9_000)))]);
      const spaced = Object.entries(subject.spacingMs).filter(([, spacingMs]) => spacingMs > 0);
      for (const [operation, spacingMs] of spaced) {
        const at = slow.fake
          .log()
          .filter((line) => line.operation === operation)
          .map(({ world_ms }) => world_ms);
        // To the millisecond it is shown on a clock of its own (pace.ts); here a busy machine may hold up the first of them.
        const tookMs = (at.at(-1) ?? 0) - (at[0] ?? 0);
        expect(tookMs).toBeGreaterThanOrEqual(((at.length - 1) * spacingMs) / 2);
      }
      for (const operation of subject.operations.offers)
        expect(slow.fake.log().filter((line) => line.operation === operation).length).toBeGreaterThanOrEqual(4);
      await slow.close();
    });

    test('a turn that would come after the deadline is not waited for', async () => {
      const [operation] = subject.operations.offers;
      if ((subject.spacingMs[operation ?? ''] ?? 0) === 0) return;
      const slow = await makeHouse(subject, { speed: 1 });
      const one = slow.connect();
      await one.offers({}, soon());
      const startedMs = hostClock.now();
      expect(await errorOf(one.offers({}, soon()))).toMatchObject({ code: 'provider_rate_limited', retryable: true });
      expect(hostClock.now() - startedMs).toBeLessThan(PATIENCE_MS / 2);
      expect(slow.fake.log().filter((line) => line.operation === operation)).toHaveLength(1);
      await slow.close();
    });

    test('a fake that starts again over its market knows its instances', async () => {
      const store = memoryStore();
      const before = await makeHouse(subject, { store });
      const id = await deployOn(before.connect(), WAYS.runs, 'r-8');
      await before.close();
      const after = await makeHouse(subject, { store });
      expect(await after.connect().find('r-8', soon())).toBe(id);
      expect(running(billsOf(after.fake, 'r-8'))).toHaveLength(1);
      await after.connect().terminate(id, soon());
      await after.close();
      const last = await makeHouse(subject, { store });
      expect(await last.connect().find('r-8', soon())).toBeNull();
      await last.close();
    });
  });
}
