/** What checks that are run by hand ask of the loop, and the jobs that they publish: where the loop is, beside it or over the cloud. */
import { z } from 'zod';
import { loopOf } from '#functions/probe/loop.ts';
import type { Platform } from '#shared/platform.ts';
import { jobPublisher } from '#shared/probes/job-publisher.ts';
import type { CheckContext } from '#shared/probes/targets.ts';
import type { LoopReader } from '#shared/probes/tools.ts';
import { type Operation, operation } from './operation.ts';
import { idParam, noParams } from './params.ts';

/** Whoever asks keeps the time: an operation has a deadline of its own. */
const LASTS_MS = 60_000;
const contextOf = ({ hostClock }: Platform): CheckContext => ({
  deadline: hostClock.now() + LASTS_MS,
  signal: new AbortController().signal,
});

function ofLoop<P, R>(
  name: string,
  params: z.ZodType<P>,
  ask: (loop: LoopReader, params: P, context: CheckContext) => Promise<R>,
): Operation<P, R> {
  return operation({
    name: `loop.${name}`,
    params,
    run: async ({ platform }, given) => ask(await loopOf(platform), given, contextOf(platform)),
  });
}

export const publishCanary = ofLoop('publish-canary', idParam, async (loop, { id }, context) => {
  await loop.publishCanary(id, context);
  return null;
});
export const hasCanary = ofLoop('has-canary', idParam, (loop, { id }, context) => loop.hasCanary(id, context));
export const countDeadLetters = ofLoop('dead-letters', noParams, (loop, _, context) => loop.deadLetters(context));
export const championAge = ofLoop('champion-age', noParams, (loop, _, context) => loop.championAgeMs(context));
export const offersAge = ofLoop('offers-age', noParams, (loop, _, context) => loop.offersAgeMs(context));

export const publishJob = operation({
  name: 'jobs.publish',
  params: z.strictObject({ topic: z.string(), job: z.record(z.string(), z.unknown()) }),
  run: async ({ platform }, { topic, job }): Promise<null> => {
    await jobPublisher(platform)(topic, job, contextOf(platform));
    return null;
  },
});
