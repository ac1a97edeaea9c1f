/** A trial from its first block to its verdict. The control object says that it runs, and who began and ended it, and why. */
import { POLL_INTERVAL_MS } from '#shared/defaults.ts';
import { RULES } from '#shared/domain/actor.ts';
import type { Trial } from '#shared/domain/control.ts';
import { type AuroraError, RejectedError, TransientError } from '#shared/errors.ts';
import { readTraffic, readTrial } from '#shared/learning/record/read-record.ts';
import { planTrial, RETRY_GROWTH, trialSeed } from '#shared/learning/switchback/schedule.ts';
import { type TrialVerdict, testSwitchback } from '#shared/learning/switchback/test.ts';
import { changeControl } from '#shared/serving/change-control.ts';
import { PROMOTE, type PromoteDeps } from '../deps.ts';
import { changeNotes, withRetry } from '../notes.ts';
import type { Situation } from './situation.ts';

/** Polls after which every instance has heard of a trial: it begins then. */
const POLLS_AHEAD = 3;

/** @throws TransientError when another instance began one meanwhile */
export async function beginTrial(
  deps: PromoteDeps,
  { challenger, reason }: { readonly challenger: string; readonly reason: string },
  { champion, watermark, nowMs }: Situation,
): Promise<Trial> {
  const startMs = nowMs + POLLS_AHEAD * POLL_INTERVAL_MS * deps.worldClock.speed;
  const trial = planTrial({
    control: champion?.version ?? RULES,
    challenger,
    startMs,
    traffic: await readTraffic(deps.warehouse, watermark, nowMs),
    seed: trialSeed(0, startMs),
  });
  try {
    await changeControl(deps, { change: { kind: 'trial', trial }, by: PROMOTE, reason });
  } catch (error) {
    if (!(error instanceof RejectedError) || error.code !== 'state_conflict') throw error;
    throw new TransientError('objects_unavailable', 'another trial began meanwhile', { cause: error });
  }
  return trial;
}

/** What its blocks say so far; a verdict takes effect. */
export async function judgeTrial(deps: PromoteDeps, trial: Trial, situation: Situation): Promise<TrialVerdict> {
  const record = await readTrial(deps.warehouse, trial);
  const found = testSwitchback(record.pairs(situation.nowMs), trial.seed);
  switch (found.verdict) {
    case 'open':
      return found;
    case 'better':
      await appoint(deps, trial.challenger, found.reason, situation);
      break;
    case 'worse':
    case 'unproved': {
      const again = RETRY_GROWTH[found.verdict] * situation.ended;
      await changeNotes(deps, (notes) => withRetry(notes, trial.challenger, again));
      break;
    }
    default:
      return found.verdict satisfies never;
  }
  await endTrial(deps, trial, found.reason);
  return found;
}

/** That one, and none that another instance has begun since. */
export async function endTrial(deps: PromoteDeps, { start }: Trial, reason: string): Promise<void> {
  await changeControl(deps, { change: { kind: 'trial', trial: null, ends: start }, by: PROMOTE, reason });
}

/** @throws TransientError when somebody else moved the champion meanwhile */
async function appoint(
  { registry }: PromoteDeps,
  version: string,
  reason: string,
  { champion }: Situation,
): Promise<void> {
  const head = await registry.aliasHead('champion');
  if ((head?.version ?? null) !== (champion?.version ?? null)) throw moved(undefined);
  const move = { version, by: PROMOTE, reason, verdict: 'promote', forced: false } as const;
  try {
    await registry.moveAlias('champion', { ...move, ifSequence: head?.sequence ?? 0 });
  } catch (error) {
    if (error instanceof RejectedError && error.code === 'state_conflict') throw moved(error);
    throw error;
  }
}

const moved = (cause: AuroraError | undefined): TransientError =>
  new TransientError('objects_unavailable', 'champion was moved while its trial was judged', { cause });
