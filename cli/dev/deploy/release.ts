/**
 * A release: looks, takes the step that plan.ts says, looks again, until there is none left.
 * In: what is wanted. Out: what serves in the end. Promise: no traffic moves before every new revision has answered; when anything
 * fails after that, everything goes back to what served before; every split is written out, none follows the newest revision.
 */
import { AuroraError, RejectedError, TransientError } from '#shared/errors.ts';
import { ask, checkCaller, tokenFor } from './ask.ts';
import { commandOf, describeJob, describeService, type Where } from './cloud-run.ts';
import type { Gcloud } from './gcloud.ts';
import { after, CANDIDATE, type Goal, keyOf, type Memory, nextStep, type Step, stateOf, type World } from './plan.ts';
import { PROBES } from './services.ts';
import { watch } from './watch.ts';
import { wordsOf } from './words.ts';

export interface Wanted extends Goal, Where {
  /** Service account as which the services are asked; null: the first that each lets in. */
  readonly caller: string | null;
  /** How long a revision has its share before it gets everything. */
  readonly watchMs: number;
  /** What an interrupted release moved goes back. */
  readonly back: boolean;
}

export interface Deps {
  readonly gcloud: Gcloud;
  now(): number;
  sleep(ms: number): Promise<void>;
  /** A line for whoever looks on. */
  note(text: string): void;
}

export interface Report {
  /** `kept`: failed, and what served before serves. `open`: something is left to do, `open` says what. */
  readonly result: 'done' | 'kept' | 'open';
  readonly image: string;
  readonly failure: string | null;
  /** Commands that failed. */
  readonly open: readonly string[];
  /** By function: revision -> per cent. */
  readonly serving: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** A new URL leads there after some seconds, and an instance has a minute to start (terraform/modules/function). */
const FIRST = { tries: 20, pauseMs: 3_000 } as const;

/** @throws RejectedError deployment_refused, gcloud_unavailable, and what gcloud throws: nothing has been changed */
export async function look(gcloud: Gcloud, wanted: Wanted): Promise<World> {
  const services: Record<string, World['services'][string]> = {};
  for (const name of wanted.order) services[name] = await describeService(gcloud, wanted, name);
  checkCaller(Object.values(services), wanted.caller);
  // The job never goes back.
  return { services, jobImage: wanted.back ? '' : await describeJob(gcloud, wanted) };
}

const remembering = ({ back }: Wanted): Memory => ({
  asked: new Set(),
  watched: new Set(),
  failure: back ? 'asked to go back' : null,
  given: new Set(),
});

function learnt(memory: Memory, step: Step): Memory {
  if (step.kind === 'ask') return { ...memory, asked: new Set([...memory.asked, step.revision]) };
  if (step.kind === 'watch') return { ...memory, watched: new Set([...memory.watched, step.revision]) };
  return memory;
}

/** What would be done, if all goes well. */
export function planned(world: World, wanted: Wanted): readonly Step[] {
  const steps: Step[] = [];
  let [now, memory] = [world, remembering(wanted)];
  for (let step = nextStep(now, wanted, memory); step !== null; step = nextStep(now, wanted, memory)) {
    steps.push(step);
    [now, memory] = [after(now, step, wanted), learnt(memory, step)];
  }
  return steps;
}

export async function release(deps: Deps, wanted: Wanted, seen: World): Promise<Report> {
  const open: string[] = [];
  let [world, memory] = [seen, remembering(wanted)];
  let last = '';
  for (let step = nextStep(world, wanted, memory); step !== null; step = nextStep(world, wanted, memory)) {
    try {
      if (keyOf(step) === last)
        throw new TransientError('gcloud_failed', `done, says gcloud, and it is not: ${wordsOf(step)}`);
      last = keyOf(step);
      deps.note(wordsOf(step));
      await take(deps, wanted, world, step);
      world = await lookAgain(deps.gcloud, wanted, world, step);
      memory = learnt(memory, step);
    } catch (error) {
      if (!(error instanceof AuroraError)) throw error;
      deps.note(`failed: ${error.message}`);
      // It may have happened all the same.
      world = await lookAtAll(deps, wanted, after(world, step, wanted));
      if (isForward(step, memory)) {
        memory = { ...memory, failure: error.message };
      } else {
        memory = { ...memory, given: new Set([...memory.given, keyOf(step)]) };
        open.push(['gcloud', ...(commandOf(step, wanted, wanted.image) ?? [])].join(' '));
      }
    }
  }
  const { failure } = memory;
  return {
    result: open.length > 0 ? 'open' : failure === null || wanted.back ? 'done' : 'kept',
    image: wanted.image,
    failure,
    open,
    serving: Object.fromEntries(wanted.order.map((name) => [name, stateOf(world, name).split])),
  };
}

/** Whose failure sends everything back: not that of a step back, nor of clearing up when all is done. */
const isForward = (step: Step, { failure }: Memory): boolean =>
  failure === null && !(step.kind === 'split' && step.untag.length > 0);

async function take(deps: Deps, wanted: Wanted, world: World, step: Step): Promise<void> {
  const command = commandOf(step, wanted, wanted.image);
  if (command !== null) return void (await deps.gcloud(...command));
  if (step.kind !== 'ask' && step.kind !== 'watch') return;
  const state = stateOf(world, step.service);
  const url = state.tags[CANDIDATE]?.url;
  const probe = PROBES[step.service as keyof typeof PROBES];
  if (url === undefined || probe === undefined)
    throw new RejectedError('deployment_refused', `${step.service}: ${step.revision} has no URL of its own`);
  const asking = {
    ...{ name: step.service, url, serviceUrl: state.url, probe, sleep: deps.sleep },
    token: await tokenFor(deps.gcloud, state, wanted.caller),
  };
  if (step.kind === 'watch') await watch(deps, wanted, asking, { ...step, service: state.name });
  else for (const remark of await ask({ ...asking, ...FIRST })) deps.note(remark);
}

async function lookAgain(gcloud: Gcloud, wanted: Wanted, world: World, step: Step): Promise<World> {
  if (step.kind === 'ask' || step.kind === 'watch') return world;
  if (step.kind === 'job') return { ...world, jobImage: await describeJob(gcloud, wanted) };
  const state = await describeService(gcloud, wanted, step.service);
  return { ...world, services: { ...world.services, [step.service]: state } };
}

/** Where gcloud does not answer, what is believed stays. */
async function lookAtAll({ gcloud, note }: Deps, wanted: Wanted, believed: World): Promise<World> {
  let world = believed;
  for (const service of wanted.order) {
    try {
      world = await lookAgain(gcloud, wanted, world, { kind: 'create', service });
    } catch (error) {
      if (!(error instanceof AuroraError)) throw error;
      note(`${service}: its state is not known: ${error.message}`);
    }
  }
  return world;
}
