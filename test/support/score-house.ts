import { setImmediate } from 'node:timers/promises';
import { expect } from 'vitest';
import { createScore, type ScoreReadyReport } from '#functions/score/handler.ts';
import { POLL_INTERVAL_MS } from '#shared/defaults.ts';
import { type Control, defaultControl, type Stage } from '#shared/domain/control.ts';
import { type ScoreAnswer, scoreAnswer } from '#shared/domain/score.ts';
import { posteriorObject } from '#shared/learning/fast/learned-objects.ts';
import type { Objects } from '#shared/ports/objects.ts';
import { type Alias, createRegistry, createRegistryReader } from '#shared/registry/registry.ts';
import { CONTROL_OBJECT } from '#shared/serving/control.ts';
import { servedPosterior } from './learned.ts';
import type { ModelFixture } from './model.ts';
import { bodyOf, post } from './push.ts';
import { aRouteRequest, FIVE_OFFERS, NOW, routeHouse } from './route-house.ts';
import { aRequest, testDeps } from './runtime.ts';

interface Options {
  /** What score reads through; default: the stores of the house. */
  readonly objects?: Objects;
  readonly worldStands?: boolean;
  /** As long as no control object says another. */
  readonly stage?: Stage;
  /** The house whose stores this one takes over: a restart. */
  readonly after?: Pick<ReturnType<typeof routeHouse>, 'objects' | 'clock'>;
}

/** Turns of the event loop that one look takes at most, a walk through several versions included. */
const TURNS = 200;

/** score over the stores of a house, with a registry to move its aliases by. */
export async function scoreHouse({ objects, worldStands = false, stage = 'auto', after }: Options = {}) {
  const house = { ...routeHouse(), ...(after === undefined ? {} : { objects: after.objects, clock: after.clock }) };
  const deps = testDeps(house.clock);
  const registry = createRegistry({ objects: house.objects, worldClock: house.clock });
  if (after === undefined) await house.offer(FIVE_OFFERS);
  const read = objects ?? house.objects;
  const app = createScore({
    ...deps,
    worldClock: worldStands ? { now: () => NOW, speed: 1 } : house.clock,
    objects: read,
    registry: createRegistryReader(read),
    stage,
    pause: () => setImmediate(),
  });
  return {
    ...house,
    deps,
    registry,
    app,
    publish: async (...models: ModelFixture[]): Promise<void> => {
      for (const { manifest, files } of models) await registry.publishVersion(manifest, files);
    },
    name: (alias: Alias, version: string | null) =>
      registry.moveAlias(alias, { version, by: 'test', reason: 'test', verdict: null, forced: true }),
    /** A posterior of each, as `learn` would have left it. */
    learned: async (...names: string[]): Promise<void> => {
      for (const name of names)
        await house.objects.write(posteriorObject(name), servedPosterior(name, { atMs: house.clock.now() }), {});
    },
    /** What the control object says from now on. */
    control: async (changes: Partial<Control>): Promise<void> => {
      const bytes = new TextEncoder().encode(JSON.stringify({ ...defaultControl(stage), ...changes }));
      await house.objects.write(CONTROL_OBJECT, bytes, {});
    },
    /** One poll, and as many turns as its reads take. */
    async poll(): Promise<void> {
      await house.clock.advance(POLL_INTERVAL_MS);
      for (let turn = 0; turn < TURNS; turn++) await setImmediate();
    },
    async ask(
      changes: Parameters<typeof aRouteRequest>[0] & { include_features?: boolean } = {},
    ): Promise<ScoreAnswer> {
      const response = await post(app, '/agent/route', { ...aRouteRequest(), ...changes });
      expect(response.status).toBe(200);
      const answer = bodyOf<ScoreAnswer>(response);
      // Nothing is added to or missing from what the schema says.
      expect(scoreAnswer.parse(answer)).toEqual(answer);
      return answer;
    },
    /** What /ready says of the model. */
    serving: async (): Promise<ScoreReadyReport['serving']> =>
      bodyOf<ScoreReadyReport>(await app.handle(aRequest({ path: '/ready' }))).serving,
    errors: () => deps.lines.filter(({ level }) => level === 'error').map(({ fields }) => String(fields['error'])),
    async close(): Promise<void> {
      await app.drain();
      expect(house.clock.pending()).toBe(0);
    },
  };
}
