import { modelTrained } from '#shared/domain/events/catalogue.ts';
import { announceMoves } from '#shared/registry/promoted-event.ts';
import type { Verdict } from '#shared/registry/verdict.ts';
import { eventFunction } from '#shared/runtime/event-function.ts';
import { json } from '#shared/runtime/http-function.ts';
import { quarantineOver } from '#shared/runtime/quarantine.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import type { PromoteDeps } from './deps.ts';
import { judgeVersion } from './judge.ts';
import { moveByVerdict } from './move.ts';
import { type RepairReport, repairAlias } from './repair.ts';
import { createStages } from './stages/attend.ts';

/** At most 300,000 lessons are lived through by three contestants, 0.2 ms each. */
const PROMOTE_DEADLINE_MS = 590_000;

export function createPromote(deps: PromoteDeps): FunctionApp {
  const { registry, bus, log } = deps;
  const verdicts = deps.metrics.counter({
    name: 'aurora_verdicts_total',
    help: 'Verdicts on model versions',
    labels: ['verdict'],
  });

  const steps = deps.metrics.counter({
    name: 'aurora_stage_steps_total',
    help: 'Ticks by the step that was taken: a trial begun, judged or ended, a look at the learner, or back at what acts.',
    labels: ['step'],
  });
  const stages = createStages(deps);

  /** Delivered again while it is judged: one judgement for both. */
  const judging = new Map<string, Promise<Verdict>>();
  const judged = (version: string): Promise<Verdict> => {
    const running = judging.get(version) ?? judgeVersion(deps, version).finally(() => judging.delete(version));
    judging.set(version, running);
    return running;
  };

  const repair = async (): Promise<readonly RepairReport[]> => {
    const reports = [await repairAlias(deps, 'champion'), await repairAlias(deps, 'apprentice')];
    // Also what a kill left untold, whoever had moved it.
    await announceMoves(registry, bus);
    return reports;
  };

  return eventFunction({
    name: 'promote',
    deps,
    worldClock: deps.worldClock,
    accepts: ['model-trained'],
    deadlineMs: PROMOTE_DEADLINE_MS,
    quarantine: quarantineOver(bus),
    handle: async (event) => {
      const { version } = modelTrained.schema.parse(event.payload);
      // First: a version is compared with a champion that serves.
      await repair();
      const standing = await registry.readVerdict(version);
      const verdict = standing ?? (await registry.writeVerdict(version, await judged(version)));
      if (standing === null) verdicts.with({ verdict: verdict.verdict }).add();
      const moved = await moveByVerdict(deps, version, verdict);
      await announceMoves(registry, bus);
      log.info(
        {
          model_version: version,
          verdict: verdict.verdict,
          reasons: verdict.reasons.slice(0, 3),
          alias: moved?.alias ?? null,
        },
        'verdict',
      );
    },
    routes: [
      {
        method: 'POST',
        path: '/run',
        handle: async () => {
          const aliases = await repair();
          const report = await stages.attend();
          steps.with({ step: report.step }).add();
          await announceMoves(registry, bus);
          return json(200, { aliases, ...report });
        },
      },
    ],
  });
}
