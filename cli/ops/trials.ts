import { rfc3339 } from '#shared/domain/primitives.ts';
import { readTrial } from '#shared/learning/record/read-record.ts';
import { controlHistory, readControl } from '#shared/serving/change-control.ts';
import { type Outlook, outlookOf } from '../trials/outlook.ts';
import { type PastTrial, trialsIn } from '../trials/past.ts';
import { type RunningTrial, runningTrial } from '../trials/running.ts';
import { type Ground, operation } from './operation.ts';
import { noParams } from './params.ts';
import { pastDamage } from './past-damage.ts';
import { situationOf } from './situation.ts';

export interface ShownTrials {
  readonly running: RunningTrial | null;
  /** Newest first, among the newest changes of the control. */
  readonly past: readonly PastTrial[];
  /** Of the next one; null while one runs, or when what it hangs on cannot be read. */
  readonly outlook: Outlook | null;
  /** What cannot be read, in plain words. */
  readonly damaged: readonly string[];
  readonly world_time: string;
}

export const showTrials = operation({
  name: 'trials.show',
  params: noParams,
  run: async (ground): Promise<ShownTrials> => {
    const { platform } = ground;
    const deps = { objects: await platform.objects(), stage: platform.config.stage };
    const { control, fault } = await readControl(deps);
    const { running, past } = trialsIn(await controlHistory(deps), control.trial);
    const nowMs = platform.worldClock.now();
    const { read, damaged } = pastDamage();
    const record = running === null ? null : await readTrial(await platform.warehouse(), running.trial);
    return {
      running: running === null || record === null ? null : runningTrial(running, control, record, nowMs),
      past,
      outlook: running === null ? await read(outlook(ground)) : null,
      damaged: fault === null ? damaged : [...damaged, fault],
      world_time: rfc3339(nowMs),
    };
  },
});

async function outlook(ground: Ground): Promise<Outlook> {
  const { situation, traffic } = await situationOf(ground);
  return outlookOf(situation, traffic);
}

/** Changes of the control among which the last trial is looked for: those of some weeks. */
const RECENT_CHANGES = 64;

/** The trial that ended last, of late; null: none did. */
export async function lastTrial({ platform }: Pick<Ground, 'platform'>): Promise<PastTrial | null> {
  const deps = { objects: await platform.objects(), stage: platform.config.stage };
  const { control } = await readControl(deps);
  return trialsIn(await controlHistory(deps, RECENT_CHANGES), control.trial).past[0] ?? null;
}
