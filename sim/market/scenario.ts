import { z } from 'zod';
import { canonicalGpu, canonicalProvider, canonicalRegion } from '#shared/domain/aliases.ts';
import { name, nonNegative, positive, probability } from '#shared/domain/primitives.ts';

const scope = {
  provider: name,
  gpu_type: name.optional(),
  region: name.optional(),
  /** Hours since the start of the market; the event holds in [from_h, to_h). */
  from_h: nonNegative,
  to_h: positive,
};

const factor = z.number().min(0.01).max(100);

/**
 * Something that happens to a provider. Advertised, except the silent one:
 *   outage              its offers are inactive
 *   silent_degradation  true start success * factor, true hazard / factor; nothing is advertised
 *   price_spike         price * factor
 *   latency_spike       latency * factor
 *   capacity_surge      total capacity * factor
 *   reputation_drop     reputation * factor
 * Not scaled by the market's deviation. Runs already sold are not touched.
 */
export const scenarioEvent = z
  .discriminatedUnion('type', [
    z.strictObject({ type: z.literal('outage'), ...scope }),
    z.strictObject({ type: z.literal('silent_degradation'), ...scope, factor: probability.min(0.01) }),
    z.strictObject({ type: z.literal('price_spike'), ...scope, factor }),
    z.strictObject({ type: z.literal('latency_spike'), ...scope, factor }),
    z.strictObject({ type: z.literal('capacity_surge'), ...scope, factor }),
    z.strictObject({ type: z.literal('reputation_drop'), ...scope, factor: probability }),
  ])
  .refine((event) => event.from_h < event.to_h, { path: ['to_h'], message: 'expected to_h > from_h' });
export type ScenarioEvent = z.output<typeof scenarioEvent>;

export const scenarioSpec = z.strictObject({
  name: z.string().min(1),
  description: z.string(),
  events: z.array(scenarioEvent).max(1_000),
});
export type ScenarioSpec = z.output<typeof scenarioSpec>;

/** What the events in force make of one offer; all 1 and inactive false in calm. */
export interface Weather {
  readonly inactive: boolean;
  readonly start: number;
  readonly hazard: number;
  readonly price: number;
  readonly latency: number;
  readonly capacity: number;
  readonly reputation: number;
}
const CALM: Weather = { inactive: false, start: 1, hazard: 1, price: 1, latency: 1, capacity: 1, reputation: 1 };

interface Target {
  readonly provider: string;
  readonly gpu_type: string;
  readonly region: string;
}

/** The events of one offer, as a function of the hours since the start of the market. Events that overlap multiply. */
export function weatherOf(events: readonly ScenarioEvent[], target: Target): (hours: number) => Weather {
  const mine = events.filter((event) => concerns(event, target));
  if (mine.length === 0) return () => CALM;
  return (hours) => mine.reduce((weather, event) => (holds(event, hours) ? apply(weather, event) : weather), CALM);
}

const holds = (event: ScenarioEvent, hours: number): boolean => hours >= event.from_h && hours < event.to_h;

/** Does a scope of words, as an author wrote them, cover an offer? An absent word covers all. */
export function concerns(
  scope: {
    readonly provider?: string | undefined;
    readonly gpu_type?: string | undefined;
    readonly region?: string | undefined;
  },
  target: Target,
): boolean {
  return (
    (scope.provider === undefined || canonicalProvider(scope.provider) === target.provider) &&
    (scope.gpu_type === undefined || canonicalGpu(scope.gpu_type) === target.gpu_type) &&
    (scope.region === undefined || canonicalRegion(scope.region) === target.region)
  );
}

function apply(weather: Weather, event: ScenarioEvent): Weather {
  switch (event.type) {
    case 'outage':
      return { ...weather, inactive: true };
    case 'silent_degradation':
      return { ...weather, start: weather.start * event.factor, hazard: weather.hazard / event.factor };
    case 'price_spike':
      return { ...weather, price: weather.price * event.factor };
    case 'latency_spike':
      return { ...weather, latency: weather.latency * event.factor };
    case 'capacity_surge':
      return { ...weather, capacity: weather.capacity * event.factor };
    case 'reputation_drop':
      return { ...weather, reputation: weather.reputation * event.factor };
    default:
      return event satisfies never;
  }
}
