import { z } from 'zod';
import { trainingRequested } from '#shared/domain/events/catalogue.ts';
import { encodeEvent } from '#shared/domain/events/codec.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { type TrainingReport, trainingKey, trainingReport } from '#shared/domain/training-report.ts';
import { createRegistry, type Registry } from '#shared/registry/registry.ts';
import type { Verdict } from '#shared/registry/verdict.ts';
import { type Ground, operation } from './operation.ts';
import { idParam } from './params.ts';

/** Asks for a training; the answer names the request, whose report comes later. */
export const requestTraining = operation({
  name: 'training.request',
  params: z.strictObject({ requested_by: z.string().min(1).max(64), force: z.boolean(), seed: z.int().min(0) }),
  run: async ({ platform }, params): Promise<{ id: string }> => {
    const payload = { ...params, requested_at: rfc3339(platform.worldClock.now()) };
    await (await platform.bus()).publish(trainingRequested.topic, [encodeEvent(trainingRequested, payload)]);
    return { id: trainingRequested.eventId(payload) };
  },
});

/** What became of the request so far: nothing yet, not trained and why, or a version and (as soon as it is judged) its verdict. */
export const trainingResult = operation({
  name: 'training.result',
  params: idParam,
  run: async (ground, { id }): Promise<{ report: TrainingReport | null; verdict: Verdict | null }> => {
    const entry = await (await ground.platform.state()).get(trainingKey(id));
    if (entry === null) return { report: null, verdict: null };
    const report = trainingReport.parse(entry.value);
    const verdict = report.version === null ? null : await (await registryOf(ground)).readVerdict(report.version);
    return { report, verdict };
  },
});

export async function registryOf({ platform }: Ground): Promise<Registry> {
  return createRegistry({ objects: await platform.objects(), worldClock: platform.worldClock });
}
