import { parentPort, workerData } from 'node:worker_threads';
import { POLICIES } from './policies/index.ts';
import type { FromThread, ThreadGame, ToThread } from './protocol.ts';
import { playWorld } from './world.ts';

/** Thread of the war game: plays one job after the other. The game was checked before; what fails here is a crash. */
if (parentPort === null) throw new Error('worker.ts runs in a worker thread only');
const port = parentPort;
const game = workerData as ThreadGame;

const tell = (message: FromThread): void => port.postMessage(message);

port.on('message', async ({ policy, seed }: ToThread) => {
  const play = await playWorld({ ...game, seed }, POLICIES[policy], (done) => tell({ kind: 'turn', done }));
  tell({ kind: 'played', play });
});
