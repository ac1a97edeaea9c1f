import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { replayAll } from '#cli/commands/replay-all.ts';
import type { Access } from '#cli/ops/access.ts';
import { replayRejected } from '#cli/ops/rejected.ts';
import type { Stack } from '#cli/stack/stack.ts';
import { EVENTS, type Payload } from '#shared/domain/events/catalogue.ts';
import { encodeEvent } from '#shared/domain/events/codec.ts';
import type { BusMessage } from '#shared/ports/bus.ts';
import { type EngineHarness, engineHarness } from '#test/contract/bus-engine.ts';
import { message } from '#test/contract/bus-message.ts';
import { subscription } from '#test/contract/bus-subscription.ts';
import { EVENT_SAMPLES } from '#test/support/events.ts';
import { memoryBus } from '#test/support/memory-bus.ts';

/** Operations on a stack of which a test gives what they use. */
const accessTo = (platform: object): Access => ({
  identity: null,
  call: async (operation, params) => operation.run({ platform } as Stack, operation.params.parse(params)),
});

describe('vm dlq replay --all', () => {
  const LETTERS = 2_300;
  let harness: EngineHarness;
  beforeEach(async () => {
    harness = await engineHarness({
      topics: ['t'],
      subscriptions: [subscription('s', 't', { deadLetterTopic: 't-dead', maxAttempts: 1, maxInFlight: 500 })],
    });
    harness.respond(() => 500);
    await harness.bus.start();
    const messages = Array.from({ length: LETTERS }, (_, i) => message(String(i)));
    await harness.bus.publish('t', messages);
    while ((await harness.bus.countDeadLetters()) < LETTERS) await harness.advance(50);
  });
  afterEach(() => harness.dispose());

  it('sends each again once, oldest first, though all of them are given up anew meanwhile', async () => {
    const notes: string[] = [];
    const before = harness.pushes.length;
    const bus = async () => ({
      ...harness.bus,
      replayDeadLetter: async (id: string) => {
        const found = await harness.bus.replayDeadLetter(id);
        await harness.settle();
        return found;
      },
    });
    const report = await replayAll(accessTo({ deadLetters: bus }), (text) => void notes.push(text));
    expect(report).toEqual({ replayed: LETTERS, unknown: [] });
    while ((await harness.bus.countDeadLetters()) < LETTERS) await harness.advance(50);
    const again = harness.pushes.slice(before).map(({ text }) => Number(text));
    expect(again).toEqual(Array.from({ length: LETTERS }, (_, i) => i));
    expect(notes).toEqual(['1000 of 2300 dead letters', '2000 of 2300 dead letters', '2300 of 2300 dead letters']);
  });

  it('goes on past letters that cannot go back', async () => {
    harness.crash();
    await harness.restart({ subscriptions: [subscription('other', 't')] });
    const report = await replayAll(accessTo({ deadLetters: async () => harness.bus }), () => undefined);
    expect(report).toMatchObject({ replayed: 0 });
    expect(report.unknown).toHaveLength(LETTERS);
    expect(await harness.bus.countDeadLetters()).toBe(LETTERS);
  });
});

describe('vm rejected replay', () => {
  const rejectedRow = (rejected: Partial<Payload<'event-rejected'>>) => ({
    event_id: 'r1',
    ...EVENT_SAMPLES['event-rejected'],
    ...rejected,
    attributes: JSON.stringify(rejected.attributes ?? {}),
  });

  async function replay(rejected: Partial<Payload<'event-rejected'>>): Promise<BusMessage | undefined> {
    const bus = memoryBus();
    const warehouse = { query: async () => [rejectedRow(rejected)] };
    await accessTo({ bus: async () => bus, warehouse: async () => warehouse }).call(replayRejected, { id: 'r1' });
    return bus.published[0]?.message;
  }

  it('keeps the ordering key that the publisher gave', async () => {
    const event = encodeEvent(EVENTS['deployment-requested'], EVENT_SAMPLES['deployment-requested']);
    expect(event.orderingKey).toBeDefined();
    const raw = { raw_base64: Buffer.from(event.data).toString('base64'), attributes: { ...event.attributes } };
    expect(await replay(raw)).toMatchObject({ attributes: event.attributes, orderingKey: event.orderingKey });
  });

  it('takes the message out of a body that was no envelope to an older build', async () => {
    const event = encodeEvent(EVENTS['model-trained'], EVENT_SAMPLES['model-trained']);
    const body = {
      message: { data: Buffer.from(event.data).toString('base64'), attributes: event.attributes, messageId: 'm' },
    };
    const raw = { raw_base64: Buffer.from(JSON.stringify(body)).toString('base64'), attributes: {} };
    const sent = await replay(raw);
    expect(Buffer.from(sent?.data ?? [])).toEqual(Buffer.from(event.data));
    expect(sent?.attributes).toEqual(event.attributes);
  });

  it('gives none to an event that has none', async () => {
    const event = encodeEvent(EVENTS['model-trained'], EVENT_SAMPLES['model-trained']);
    const raw = { raw_base64: Buffer.from(event.data).toString('base64'), attributes: { ...event.attributes } };
    expect(Object.keys((await replay(raw)) ?? {})).not.toContain('orderingKey');
  });
});
