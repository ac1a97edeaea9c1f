/**
 * What a release does next, from what Cloud Run says and what this run has seen: pure. The state of a release is in Cloud Run itself,
 * in the split of the traffic and two tags, so a run that was killed is gone on with by the next.
 *   candidate  the new revision, by its own URL
 *   before     the revision to go back to, from when traffic moves until the whole release is done or taken back
 * A service: old -> created (tagged, no traffic) -> asked -> a share of the traffic -> watched -> all of it -> settled (no tags).
 * All are created and asked before any traffic moves. After a failure, or when asked to: everything back, the last first.
 */

/** A service as Cloud Run has it. */
export interface ServiceState {
  readonly name: string;
  /** Of the newest revision. */
  readonly image: string;
  readonly latest: string;
  /** The newest that came up. */
  readonly latestReady: string;
  /** Revision -> per cent of the traffic, those without left out. */
  readonly split: Readonly<Record<string, number>>;
  /** No part of the traffic follows whatever revision is the newest. */
  readonly explicit: boolean;
  readonly tags: Readonly<Record<string, { readonly revision: string; readonly url: string }>>;
  readonly url: string;
  /** For whom callers' ID tokens are made out, and who they may be: AURORA_AUDIENCE, AURORA_CALLERS. */
  readonly audience: string | null;
  readonly callers: readonly string[];
}

export interface World {
  /** By function. */
  readonly services: Readonly<Record<string, ServiceState>>;
  /** Of the training job. */
  readonly jobImage: string;
}

export interface Goal {
  /** By digest. */
  readonly image: string;
  readonly order: readonly string[];
  /** Of a new revision, at first. */
  readonly percent: number;
}

export interface Memory {
  /** Revisions that answered as they should. */
  readonly asked: ReadonlySet<string>;
  /** Revisions that did well under a share of the traffic. */
  readonly watched: ReadonlySet<string>;
  /** Why everything goes back; null: forward. */
  readonly failure: string | null;
  /** Steps that failed on the way back, or after the release was done: not tried again. */
  readonly given: ReadonlySet<string>;
}

export type Step =
  | { readonly kind: 'create'; readonly service: string }
  | { readonly kind: 'ask'; readonly service: string; readonly revision: string }
  | {
      readonly kind: 'split';
      readonly service: string;
      readonly split: Readonly<Record<string, number>>;
      readonly tag: Readonly<Record<string, string>>;
      readonly untag: readonly string[];
    }
  | { readonly kind: 'watch'; readonly service: string; readonly revision: string; readonly against: string }
  | { readonly kind: 'job' };

export const CANDIDATE = 'candidate';
const BEFORE = 'before';

/** The revision of the image, whole and reachable; null: yet to be made. What came after it, a change of settings, makes it old. */
function candidateOf({ image, latest, latestReady, tags, split }: ServiceState, wanted: string): string | null {
  if (image !== wanted || latest !== latestReady) return null;
  return tags[CANDIDATE]?.revision === latest || split[latest] === 100 ? latest : null;
}

export const keyOf = (step: Step): string => JSON.stringify(step);

/** Null: there is nothing left to do. */
export function nextStep(world: World, goal: Goal, memory: Memory): Step | null {
  const steps = memory.failure === null ? forward(world, goal, memory) : back(world, goal);
  for (const step of steps) if (!memory.given.has(keyOf(step))) return step;
  return null;
}

function* forward(world: World, { image, order, percent }: Goal, { asked, watched }: Memory): Generator<Step> {
  const services = order.map((service) => {
    const state = stateOf(world, service);
    const revision = candidateOf(state, image);
    return { service, state, revision, share: revision === null ? 0 : (state.split[revision] ?? 0) };
  });
  for (const { service, revision } of services) if (revision === null) yield { kind: 'create', service };
  for (const { service, revision, share } of services)
    if (revision !== null && share < 100 && !asked.has(revision)) yield { kind: 'ask', service, revision };
  for (const { service, state, revision, share } of services) {
    if (revision === null || share === 100) continue;
    const before = state.tags[BEFORE]?.revision ?? servingIn(state, revision);
    if (before !== null && !watched.has(revision)) {
      if (share !== percent)
        yield split(service, { [before]: 100 - percent, [revision]: percent }, { [BEFORE]: before });
      yield { kind: 'watch', service, revision, against: before };
    }
    yield split(service, { [revision]: 100 });
  }
  // Last, so that it never has to be taken back.
  if (world.jobImage !== image) yield { kind: 'job' };
  for (const { service, state, revision } of services) {
    const untag = [CANDIDATE, BEFORE].filter((tag) => tag in state.tags);
    if (revision !== null && (untag.length > 0 || !state.explicit))
      yield split(service, { [revision]: 100 }, {}, untag);
  }
}

/** A revision to go back to is there only while a release is under way, or was stopped. */
function* back(world: World, { order }: Goal): Generator<Step> {
  for (const service of order.toReversed()) {
    const { tags, split: now } = stateOf(world, service);
    const untag = [CANDIDATE, BEFORE].filter((tag) => tag in tags);
    const before = tags[BEFORE]?.revision;
    if (untag.length > 0) yield split(service, before === undefined ? now : { [before]: 100 }, {}, untag);
  }
}

const split = (
  service: string,
  shares: Readonly<Record<string, number>>,
  tag: Readonly<Record<string, string>> = {},
  untag: readonly string[] = [],
): Step => ({ kind: 'split', service, split: shares, tag, untag });

/** Of several, the one that most goes to; null: none ever came up. */
function servingIn({ split: shares }: ServiceState, candidate: string): string | null {
  const [first] = Object.entries(shares)
    .filter(([revision]) => revision !== candidate && revision !== '')
    .sort(([, a], [, b]) => b - a);
  return first?.[0] ?? null;
}

export function stateOf(world: World, service: string): ServiceState {
  const state = world.services[service];
  if (state === undefined) throw new Error(`no state of ${service}`);
  return state;
}

/** What the world is after the step, when it does what it says: for --dry-run, and for the tests. */
export function after(world: World, step: Step, { image }: Pick<Goal, 'image'>): World {
  if (step.kind === 'job') return { ...world, jobImage: image };
  if (step.kind === 'ask' || step.kind === 'watch') return world;
  const state = stateOf(world, step.service);
  return { ...world, services: { ...world.services, [step.service]: changed(state, step, image) } };
}

function changed(state: ServiceState, step: Step & { kind: 'create' | 'split' }, image: string): ServiceState {
  if (step.kind === 'split') {
    const kept = Object.entries(state.tags).filter(([tag]) => !step.untag.includes(tag));
    const set = Object.entries(step.tag).map(([tag, revision]) => [tag, { revision, url: `https://${tag}---` }]);
    return { ...state, split: step.split, explicit: true, tags: Object.fromEntries([...kept, ...set]) };
  }
  const revision = `${state.latest}+`;
  const tags = { ...state.tags, [CANDIDATE]: { revision, url: `https://${CANDIDATE}---` } };
  return { ...state, image, latest: revision, latestReady: revision, tags, explicit: true };
}
