/** The way to promotion, on challengers whose true uplift is known. Each try has its own world, its own dice and its own beliefs. */
import type { WorldOptions } from '#cli/wargame/world.ts';
import { loadMarketSpec } from '#sim/market/load-spec.ts';
import type { OnShare } from './play.ts';
import { calibrated } from './promotion/calibrate.ts';
import { tryChallenger, type Way } from './promotion/try.ts';

export interface PromotionJob {
  readonly kind: 'promotion';
  readonly market: string;
  /** Of the first try; those of the others follow. */
  readonly seed: number;
  readonly tries: number;
  /** True expected utility of a decision, challenger over rules, that each challenger is made to have. */
  readonly uplift: number;
  /** First decisions of its world on which it has it. */
  readonly stretch: number;
  /** Of a try, at most. */
  readonly decisions: number;
}

export interface Try extends Way {
  /** That was reached. */
  readonly uplift: number;
}

export interface PromotionResult {
  readonly tries: readonly Try[];
}

/** Of a try, its calibration. */
const CALIBRATION_SHARE = 0.3;

export async function runPromotion(job: PromotionJob, onShare: OnShare): Promise<PromotionResult> {
  const spec = loadMarketSpec(job.market);
  const tries: Try[] = [];
  for (let at = 0; at < job.tries; at++) {
    const tell = (share: number): void => onShare((at + share) / job.tries);
    const seed = job.seed + at;
    const world: WorldOptions = {
      spec,
      seed,
      deviation: 1,
      scenario: null,
      decisions: job.decisions,
      slowFeedback: 1,
    };
    tell(0);
    const { beliefs, uplift } = await calibrated({ ...world, decisions: job.stretch }, seed, job.uplift);
    const way = await tryChallenger(world, beliefs, (share) =>
      tell(CALIBRATION_SHARE + (1 - CALIBRATION_SHARE) * share),
    );
    tries.push({ uplift, ...way });
  }
  return { tries };
}
