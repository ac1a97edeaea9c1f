/** Brings an image to Cloud Run: npm run deploy -- --help */
import { setTimeout as sleep } from 'node:timers/promises';
import { deploy } from './deploy/command.ts';
import { createGcloud } from './deploy/gcloud.ts';

process.exitCode = await deploy(process.argv.slice(2), {
  gcloud: (deadlineMs) => createGcloud(deadlineMs),
  now: Date.now,
  sleep: (ms) => sleep(ms),
  out: (text) => console.log(text),
  note: (text) => console.error(text),
});
