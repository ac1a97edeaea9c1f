import { readSituation, type Situation } from '#functions/promote/stages/situation.ts';
import { readTraffic } from '#shared/learning/record/read-record.ts';
import type { Traffic } from '#shared/learning/switchback/schedule.ts';
import type { Ground } from './operation.ts';
import { registryOf } from './training.ts';

/** What promote would decide its next step on, and the traffic that it would plan a trial on. */
export async function situationOf(ground: Ground): Promise<{ situation: Situation; traffic: Traffic }> {
  const { platform } = ground;
  const warehouse = await platform.warehouse();
  const situation = await readSituation({
    registry: await registryOf(ground),
    objects: await platform.objects(),
    state: await platform.state(),
    warehouse,
    worldClock: platform.worldClock,
    stage: platform.config.stage,
  });
  return { situation, traffic: await readTraffic(warehouse, situation.watermark, situation.nowMs) };
}
