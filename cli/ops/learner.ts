import { LINEAR } from '#shared/domain/actor.ts';
import { type LearnerVerdict, learnerVerdicts } from '#shared/registry/learner-verdicts.ts';
import type { Verdict } from '#shared/registry/verdict.ts';
import { type NextLook, nextLookOf } from '../trials/next-look.ts';
import { operation } from './operation.ts';
import { noParams } from './params.ts';
import { pastDamage } from './past-damage.ts';
import { situationOf } from './situation.ts';

export interface ShownLearner {
  readonly name: typeof LINEAR;
  /** Of the newest look; null: there was none yet. */
  readonly verdict: LearnerVerdict | null;
  /** Null, as the rate: what it hangs on cannot be read. */
  readonly next_look: NextLook | null;
  readonly decisions_per_day: number | null;
  /** Newest first, without the newest. */
  readonly earlier: readonly EarlierLook[];
}

export interface EarlierLook extends Pick<LearnerVerdict, 'sequence' | 'decided_at' | 'ended'> {
  readonly verdict: Verdict['verdict'];
  /** The weightiest. */
  readonly reason: string | null;
}

/** Each look comes when the record has grown by two fifths: so many are more than a market will ever see. */
const MAX_LOOKS = 64;

/** What the gate said of the learner on its own, which has no versions: look by look. */
export const showLearner = operation({
  name: 'models.learner',
  params: noParams,
  run: async (ground): Promise<ShownLearner> => {
    const looks = await learnerVerdicts(await ground.platform.objects(), MAX_LOOKS);
    const found = await pastDamage().read(situationOf(ground));
    return {
      name: LINEAR,
      verdict: looks.at(-1) ?? null,
      next_look: found === null ? null : nextLookOf(found.situation, found.traffic),
      decisions_per_day: found === null ? null : 24 * found.traffic.decisionsPerHour,
      earlier: looks
        .slice(0, -1)
        .reverse()
        .map(({ sequence, decided_at, ended, verdict, reasons }) => ({
          sequence,
          decided_at,
          ended,
          verdict,
          reason: reasons[0] ?? null,
        })),
    };
  },
});
