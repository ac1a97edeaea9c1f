import type { Trial } from '#shared/domain/control.ts';
import { controlHistory } from '#shared/serving/change-control.ts';
import { trialsIn } from '../trials/past.ts';
import { beganWords, lastTrialWords } from '../trials/words.ts';
import type { Stack } from './stack.ts';

/** Changes of the control between two looks, and the beginning of what has ended since. */
const RECENT_CHANGES = 16;

/** Trials that have ended or begun since it was asked last, in words; the first answer has none, for nothing was before it. */
export function trialNews({ platform }: Pick<Stack, 'platform'>): (now: Trial | null) => Promise<readonly string[]> {
  let before: Trial | null | undefined;
  return async (now) => {
    const seen = before;
    before = now;
    if (seen === undefined || seen?.start === now?.start) return [];
    const deps = { objects: await platform.objects(), stage: platform.config.stage };
    const { running, past } = trialsIn(await controlHistory(deps, RECENT_CHANGES), now);
    const ended = past.find(({ trial }) => trial.start === seen?.start);
    return [
      ...(ended === undefined ? [] : [`trial over: ${lastTrialWords(ended)}`]),
      ...(running === null ? [] : [`trial begun: ${beganWords(running)}`]),
    ];
  };
}
