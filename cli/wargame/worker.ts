import { workerData } from 'node:worker_threads';
import { serveJobs } from '../threads.ts';
import type { Game, Job } from './game.ts';
import { POLICIES } from './policies/index.ts';
import { type Play, playWorld } from './world.ts';

/** Thread of the war game: plays one policy in one world after the other. */
const game = workerData as Game;

serveJobs<Job, Play>(({ policy, seed }, onTurn) => playWorld({ ...game, seed }, POLICIES[policy], onTurn));
