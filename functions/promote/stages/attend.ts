/**
 * The stages of whoever learns: apprentice -> (passes the gate) trial -> (proved better) champion -> (earns less than the rules)
 * back. In: a tick. Out: at most one step. Every step is decided on what the stores say and leaves them so that, killed anywhere,
 * the next tick takes it again or goes on from it.
 */
import { rfc3339 } from '#shared/domain/primitives.ts';
import { RETRY_GROWTH } from '#shared/learning/switchback/schedule.ts';
import { addLearnerVerdict, lastLearnerLook } from '#shared/registry/learner-verdicts.ts';
import type { PromoteDeps } from '../deps.ts';
import { judgeLearner } from '../judge.ts';
import { moveByVerdict } from '../move.ts';
import { changeNotes, withRetry } from '../notes.ts';
import { verdictOn } from '../verdict-on.ts';
import { nextStep, type Step } from './decide.ts';
import { lookBack } from './look-back.ts';
import { readSituation, type Situation } from './situation.ts';
import { beginTrial, endTrial, judgeTrial } from './trial.ts';

/** What was done, and what came of it. */
export interface StepReport {
  readonly step: Step['kind'];
  readonly result: string;
}

export interface Stages {
  /** One at a time. @throws TransientError when a store is away: the next tick tries again */
  attend(): Promise<StepReport>;
}

/** Steps may take a tenth of the time: they read much, on a core that others want. */
const REST_FACTOR = 9;

export function createStages(deps: PromoteDeps): Stages {
  const { objects, hostClock, log } = deps;
  let restUntilMs = Number.NEGATIVE_INFINITY;
  let lookedMs: number | undefined;
  let running: Promise<StepReport> | null = null;

  const judgeTheLearner = async ({ watermark, ended }: Situation): Promise<string> => {
    const sequence = await lastLearnerLook(objects);
    const verdict = await judgeLearner(deps, watermark ?? rfc3339(0));
    await addLearnerVerdict(objects, sequence, { ...verdict, ended });
    return `${verdict.verdict}: ${verdict.reasons[0] ?? ''}`;
  };

  const moveWaiting = async (version: string): Promise<string> => {
    const verdict = await verdictOn(deps, version);
    const moved = verdict === null ? null : await moveByVerdict(deps, version, verdict);
    await changeNotes(deps, (notes) => (notes.waiting === version ? { ...notes, waiting: null } : notes));
    return moved === null ? `${version} stays where it is` : `${moved.alias} is ${version}`;
  };

  const take = async (step: Step, situation: Situation): Promise<string> => {
    const { ended, nowMs } = situation;
    switch (step.kind) {
      case 'none':
        return step.why;
      case 'end_trial':
        if (step.lost)
          await changeNotes(deps, (notes) => withRetry(notes, step.trial.challenger, RETRY_GROWTH.unproved * ended));
        await endTrial(deps, step.trial, step.reason);
        return step.reason;
      case 'judge_trial': {
        const { reason } = await judgeTrial(deps, step.trial, situation);
        lookedMs = nowMs;
        return reason;
      }
      case 'look_back': {
        const why = await lookBack(deps, step.actor, situation);
        await changeNotes(deps, (notes) => ({ ...notes, looked_back_at: ended }));
        return why ?? `${step.actor} earns no less than the rules would, as far as can be told`;
      }
      case 'move_waiting':
        return moveWaiting(step.version);
      case 'begin_trial': {
        const { arms, start } = await beginTrial(deps, step, situation);
        return `${arms.join(' against ')} from ${start}`;
      }
      case 'judge_learner':
        return judgeTheLearner(situation);
      default:
        return step satisfies never;
    }
  };

  const attend = async (): Promise<StepReport> => {
    if (hostClock.now() < restUntilMs) return { step: 'none', result: 'rests after a long step' };
    const startedMs = hostClock.now();
    const situation = await readSituation(deps);
    const step = nextStep(situation, lookedMs);
    const result = await take(step, situation);
    const endedMs = hostClock.now();
    restUntilMs = endedMs + REST_FACTOR * (endedMs - startedMs);
    if (step.kind !== 'none') log.info({ step: step.kind, result }, 'stages');
    return { step: step.kind, result };
  };

  return {
    attend() {
      running ??= attend().finally(() => {
        running = null;
      });
      return running;
    },
  };
}
