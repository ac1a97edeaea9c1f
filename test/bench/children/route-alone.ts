/**
 * `route` in a process of its own, as it is deployed: its platform is the embedded one of the directory it is given. Nobody takes
 * what it publishes (in the cloud Pub/Sub delivers it); with `--no-bus` nothing is kept of it either, so that a million decisions fit.
 * Arguments: the directory, the URL of score. Prints a line of JSON with its URL.
 */
import { parseArgs } from 'node:util';
import { compose } from '#functions/route/index.ts';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { parseConfig } from '#shared/config.ts';
import { createEmbeddedPlatform, type LocalBus } from '#shared/platform-embedded.ts';
import { serveLean } from '#shared/runtime/hosts/lean.ts';
import { createLog } from '#shared/telemetry/log.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { 'no-bus': { type: 'boolean', default: false } },
});
const [directory = '', scoreUrl = ''] = positionals;
const config = parseConfig({ AURORA_DIR: directory, AURORA_SCORE_URL: scoreUrl, AURORA_STAGE: 'online' });
const log = createLog({ level: 'error' });
const platform = await createEmbeddedPlatform({ config, hostClock, log, random: Math.random, keepsWorldTime: false });
const forgetful = async (): Promise<LocalBus> => {
  const bus = await platform.bus();
  return { ...bus, publish: async (_topic, messages) => messages.map(() => '') };
};
const app = await compose({
  ...platform,
  ...(values['no-bus'] ? { bus: forgetful } : {}),
  // As in the cloud: the length of the queue cannot be asked for within a request.
  backlog: async () => null,
});
const served = await serveLean(app, { port: 0, hostClock });
console.log(JSON.stringify({ url: served.url }));
process.once('SIGTERM', () => {
  void app
    .drain()
    .then(() => served.close())
    .then(() => platform.close())
    .then(() => process.exit(0));
});
