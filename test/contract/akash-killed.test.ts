import { expect, test } from 'vitest';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { uniforms } from '#sim/market/random.ts';
import { COMMON_FAULTS } from '#sim/providers/kit/api.ts';
import { akash } from './akash-subject.ts';
import { billsOf, makeHouse, offerOf, running, soon, specOf, WAYS } from './providers-world.ts';

/** Everything that a line, a server and a market of bids can do, a little of each. */
const FAULTS = [...Object.keys(COMMON_FAULTS), 'no_bids', 'bid_closes', 'status_silent', '503_wallet', 'rate_limited'];
const FAULTY_SHARE = 0.5;
const KILLED_SHARE = 0.4;
const MAX_TRIES = 60;

// Sixty seeds of eight requests have been tried once, with the same end.
test.each([1, 2, 3])(
  'killed at any instant, under any fault: one lease a request, and nothing else open (%i)',
  async (seed) => {
    const house = await makeHouse({ ...akash, startFake: (world) => akash.startFake({ ...world, seed }) });
    const offer = await offerOf(house.connect(), WAYS.runs);
    const draw = uniforms(seed, 'killed');
    house.fake.faults.set(FAULTS.map((fault) => ({ fault, share: FAULTY_SHARE / FAULTS.length })));
    const made = new Map<string, string>();
    let failures = 0;
    for (const requestId of ['x-1', 'x-2', 'x-3', 'x-4']) {
      let provider = house.connect();
      for (let tries = 0; tries < MAX_TRIES && !made.has(requestId); tries += 1) {
        const killed = new AbortController();
        const kill = draw() < KILLED_SHARE;
        const cancel = hostClock.after(draw() * 120, () => kill && killed.abort(new Error('killed')));
        const context = { ...soon(100 + draw() * 900), signal: killed.signal, requestId };
        const [ended] = await Promise.allSettled([provider.deploy(offer, specOf(WAYS.runs), context)]);
        cancel();
        if (ended.status === 'fulfilled') made.set(requestId, ended.value.instance_id);
        else failures += 1;
        // Whoever comes next remembers nothing, or everything.
        if (draw() < 0.5) provider = house.connect();
        if (draw() < 0.3) await Promise.allSettled([provider.instances(soon(300))]);
      }
    }
    house.fake.faults.set([]);
    // What the last failure left lies there until the next deployment.
    const last = house.connect();
    made.set('x-last', (await last.deploy(offer, specOf(WAYS.runs), { ...soon(), requestId: 'x-last' })).instance_id);

    expect(made.size).toBe(5);
    expect(failures).toBeGreaterThan(0);
    for (const [requestId, id] of made) {
      const paid = billsOf(house.fake, requestId).filter(({ usd, ended_ms }) => usd > 0 || ended_ms === null);
      expect(paid.map(({ native_id }) => native_id)).toEqual([id]);
      expect(await last.find(requestId, soon())).toBe(id);
    }
    expect(running(house.fake.bills())).toHaveLength(made.size);
    await house.close();
  },
);
