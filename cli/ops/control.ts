import { z } from 'zod';
import { type Change, type ChangeEntry, type ChangeNote, change } from '#shared/domain/control-change.ts';
import { name, rfc3339 } from '#shared/domain/primitives.ts';
import {
  type ControlDeps,
  type ControlView,
  changeControl,
  controlHistory,
  readControl,
} from '#shared/serving/change-control.ts';
import type { PastTrial } from '../trials/past.ts';
import { type Ground, operation } from './operation.ts';
import { noParams } from './params.ts';
import { type Serving, servingOf } from './serving.ts';
import { lastTrial } from './trials.ts';

export interface ShownControl extends ControlView {
  /** Who acts by it; null: no score runs here. */
  readonly serving: Serving | null;
  /** The newest; null: nothing was ever changed. */
  readonly last_change: ChangeNote | null;
  /** Null: none ended of late. */
  readonly last_trial: PastTrial | null;
  /** World time. */
  readonly world_time: string;
}

export const showControl = operation({
  name: 'control.show',
  params: noParams,
  run: async (ground): Promise<ShownControl> => {
    const deps = await controlDeps(ground);
    const last = (await controlHistory(deps, 1)).at(-1);
    return {
      ...(await readControl(deps)),
      serving: await servingOf(ground),
      last_change: last === undefined ? null : noteOf(last),
      last_trial: await lastTrial(ground),
      world_time: rfc3339(ground.platform.worldClock.now()),
    };
  },
});

/** Null: it holds already. */
export const sayControl = operation({
  name: 'control.change',
  params: z.strictObject({ change, by: name, reason: z.string().max(1024) }),
  run: async (ground, said: { change: Change; by: string; reason: string }): Promise<ChangeEntry | null> => {
    const entry = await changeControl(await controlDeps(ground), said);
    if (entry !== null) ground.platform.log.info({ ...noteOf(entry) }, 'control changed by hand');
    return entry;
  },
});

export const showControlHistory = operation({
  name: 'control.history',
  params: noParams,
  run: async (ground): Promise<readonly ChangeEntry[]> => controlHistory(await controlDeps(ground)),
});

const noteOf = ({ control: _after, ...note }: ChangeEntry): ChangeNote => note;

async function controlDeps({ platform }: Pick<Ground, 'platform'>): Promise<ControlDeps> {
  return { objects: await platform.objects(), worldClock: platform.worldClock, stage: platform.config.stage };
}
