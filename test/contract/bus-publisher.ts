import { createEmbeddedBus } from '#shared/adapters/bus/embedded/index.ts';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { message } from './bus-message.ts';
import { subscription } from './bus-subscription.ts';

/** A child process that publishes until it is killed: `file name [push URL]`. Prints `id text` of every message that was acknowledged. */
const [file = '', name = '', pushUrl] = process.argv.slice(2);
const bus = await createEmbeddedBus({
  file,
  topics: ['t'],
  subscriptions: [subscription('s', 't', { pushUrl: pushUrl ?? null })],
  hostClock,
  random: () => 0.5,
});
if (pushUrl !== undefined) await bus.start();

async function publishForEver(lane: number): Promise<never> {
  for (let n = 0; ; n++) {
    const texts = [`${name}/${lane}/${n}/a`, `${name}/${lane}/${n}/b`];
    const ids = await bus.publish(
      't',
      texts.map((text) => message(text)),
    );
    process.stdout.write(ids.map((id, i) => `${id} ${texts[i]}\n`).join(''));
  }
}
await Promise.all([0, 1, 2, 3].map(publishForEver));
