import type { Game, Job } from './game.ts';
import type { Play } from './world.ts';

/** To a thread: the game once, as its workerData; then one job at a time. */
export type ThreadGame = Game;
export type ToThread = Job;

export type FromThread =
  | { readonly kind: 'turn'; readonly done: number }
  | { readonly kind: 'played'; readonly play: Play };
