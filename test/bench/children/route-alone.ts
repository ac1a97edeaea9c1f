/**
 * `route` in a process of its own, as it is deployed: its platform is the embedded one of the directory it is given, and nobody
 * takes what it publishes (in the cloud Pub/Sub delivers; here another process would).
 * Arguments: the directory, the URL of score. Prints a line of JSON with its URL.
 */

import { compose } from '#functions/route/index.ts';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { parseConfig } from '#shared/config.ts';
import { createEmbeddedPlatform } from '#shared/platform-embedded.ts';
import { serveLean } from '#shared/runtime/hosts/lean.ts';
import { createLog } from '#shared/telemetry/log.ts';

const [, , directory = '', scoreUrl = ''] = process.argv;
const config = parseConfig({ AURORA_DIR: directory, AURORA_SCORE_URL: scoreUrl, AURORA_STAGE: 'online' });
const log = createLog({ level: 'error' });
const platform = await createEmbeddedPlatform({ config, hostClock, log, random: Math.random, keepsWorldTime: false });
// As in the cloud: the length of the queue cannot be asked for within a request.
const app = await compose({ ...platform, backlog: async () => null });
const served = await serveLean(app, { port: 0, hostClock });
console.log(JSON.stringify({ url: served.url }));
process.once('SIGTERM', () => {
  void app
    .drain()
    .then(() => served.close())
    .then(() => platform.close())
    .then(() => process.exit(0));
});
