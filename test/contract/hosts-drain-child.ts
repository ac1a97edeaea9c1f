/**
 * A process with one slow function, for the drain tests: `lean` and `framework` serve it themselves; loaded as --source by
 * the framework's own command it only registers. Prints "listening <port>", "started", "stopped", "finished"; POST /slow
 * answers after POST /release, which goes to a second server (its port comes second on the first line).
 */

import { subscribe } from 'node:diagnostics_channel';
import { createServer } from 'node:http';
import { type AddressInfo, Server } from 'node:net';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { installDrain } from '#shared/runtime/drain.ts';
import { registerWithFramework, serveFramework } from '#shared/runtime/hosts/framework.ts';
import { serveLean } from '#shared/runtime/hosts/lean.ts';
import { httpFunction, json } from '#shared/runtime/http-function.ts';
import { createLog } from '#shared/telemetry/log.ts';
import { createMetrics } from '#shared/telemetry/metrics.ts';

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const log = createLog({ level: 'info', destination: process.stderr });
const release = Promise.withResolvers<void>();
const control = createServer((_, response) => {
  release.resolve();
  response.end();
});
await new Promise<void>((resolve) => control.listen(0, '127.0.0.1', resolve));
const controlPort = (control.address() as AddressInfo).port;

const app = httpFunction({
  name: 'slow',
  deps: { log, hostClock, metrics: createMetrics() },
  routes: [
    {
      method: 'POST',
      path: '/slow',
      async handle() {
        say('started');
        await release.promise;
        return json(200, { answered: true });
      },
    },
  ],
  stop: async () => say('stopped'),
});

const mode = process.argv[2];
let server: { close(): Promise<void> };
if (mode === 'lean' || mode === 'framework') {
  const served = await (mode === 'lean' ? serveLean : serveFramework)(app, { port: 0, hostClock });
  server = served;
  say(`listening ${served.port} ${controlPort}`);
} else {
  server = await registerWithFramework(app, { hostClock });
  subscribe('tracing:net.server.listen:asyncEnd', (message) => {
    const { server: bound } = message as { server: unknown };
    if (bound instanceof Server) say(`listening ${(bound.address() as AddressInfo).port} ${controlPort}`);
  });
}

installDrain({
  apps: [app],
  servers: [server],
  hostClock,
  log,
  limitMs: process.argv[3] === 'impatient' ? 50 : 9_000,
  async finish() {
    control.closeAllConnections();
    control.close();
    say('finished');
  },
  exit: (code) => process.exit(code),
});
