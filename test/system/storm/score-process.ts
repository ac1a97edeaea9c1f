/** `score` in a process of its own on a directory that a stack holds, to be killed and started again at one address. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Child, compiledBefore, startChild } from '#test/support/child.ts';

const SERVE = join(import.meta.dirname, '..', '..', '..', 'functions', 'serve.ts');
const LOOK_EVERY_MS = 50;

export interface ScoreProcess {
  readonly url: string;
  /** Resolves when it answers. @throws when it ends before */
  start(): Promise<void>;
  /** SIGKILL: in the middle of whatever it does. */
  kill(): void;
}

export async function scoreProcess(directory: string, speed: number): Promise<ScoreProcess> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  let running: Child | null = null;
  return {
    url,
    async start() {
      const started = startChild(SERVE, [], {
        ...compiledBefore(),
        FUNCTION_TARGET: 'score',
        PORT: String(port),
        AURORA_DIR: directory,
        AURORA_SPEED: String(speed),
        AURORA_LOG_LEVEL: 'silent',
      });
      running = started;
      while (!(await answers(url))) {
        if (started.child.exitCode !== null) throw new Error(`score ended: ${started.problems()}`);
        await sleep(LOOK_EVERY_MS);
      }
    },
    kill() {
      running?.child.kill('SIGKILL');
      running = null;
    },
  };
}

const answers = (url: string): Promise<boolean> =>
  fetch(`${url}/health`).then(
    ({ status }) => status === 200,
    () => false,
  );

/** Nobody else on this machine is likely to take it within the second. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  return port;
}
