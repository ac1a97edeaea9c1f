/** One challenger on its way through the deployed router in stage auto: gate on the record, switchback, promotion or not. */
import { drivenBy } from '#cli/wargame/policies/played.ts';
import type { PolicyOf } from '#cli/wargame/policies/policy.ts';
import { playWorld, type WorldOptions } from '#cli/wargame/world.ts';
import { EXPLORATION } from '#shared/learning/policy/thompson.ts';
import { createDriver, type Driver } from '#shared/learning/stages/driver.ts';
import type { Market } from '#sim/market/market.ts';
import { type Beliefs, challengerPlayer } from './challenger.ts';
import { judgeChallenger } from './judge.ts';

export interface Way {
  /** Decisions before it first passed the gate; null: it never did. */
  readonly passed: number | null;
  /** Null: not within the decisions of the world. */
  readonly promoted: {
    /** Before it acted on its own. */
    readonly decisions: number;
    /** Of them, those of switchbacks; in the others the rules acted and it looked on. */
    readonly in_switchback: number;
  } | null;
}

/** The play ends soon after a promotion. @param onShare of the world's decisions, 0..1 */
export async function tryChallenger(
  world: WorldOptions,
  beliefs: Beliefs,
  onShare: (share: number) => void,
): Promise<Way> {
  const { seed, decisions } = world;
  let [asked, inSwitchback] = [0, 0];
  let passed: Way['passed'] = null;
  let promoted: Way['promoted'] = null;
  const judge = judgeChallenger(seed);
  const driverOf = (market: Market): Driver =>
    createDriver({
      stage: 'auto',
      exploration: EXPLORATION,
      seed,
      train: null,
      standIn: {
        player: challengerPlayer(beliefs, market),
        judge(book, nowMs) {
          const verdict = judge(book, nowMs);
          if (verdict.verdict === 'promote') passed ??= asked;
          return verdict;
        },
      },
    });
  const watched: PolicyOf = (market) => {
    const driver = driverOf(market);
    return drivenBy({
      ...driver,
      async decide(request) {
        const ruling = await driver.decide(request);
        if (ruling.mode === 'online') promoted ??= { decisions: asked, in_switchback: inSwitchback };
        if (ruling.mode === 'switchback') inSwitchback += 1;
        asked += 1;
        return ruling;
      },
    });
  };
  await playWorld(world, watched, (done) => {
    onShare(done / decisions);
    return promoted === null;
  });
  return { passed, promoted };
}
