import type { Example } from '#shared/learning/example.ts';
import type { FeatureSet } from '#shared/learning/examples.ts';
import { type Random, seededRandom } from '#shared/learning/random.ts';
import type { TrainConfig } from '#shared/learning/train/plan.ts';

/** A small world with a known truth, of our own making: nothing here knows the real features. */
export const TOY_SET: FeatureSet = { set: 'toy-1', hash: 'toy' };

const PROVIDERS = [
  { name: 'solid', start: 0.97, hazard: 0.005, price: 0.02, latency: 0.1, readyMs: 60_000 },
  { name: 'plain', start: 0.85, hazard: 0.03, price: 0.1, latency: 0.3, readyMs: 120_000 },
  { name: 'boaster', start: 0.55, hazard: 0.12, price: 0.4, latency: 0.9, readyMs: 400_000 },
] as const;
const GPUS = ['rtx4090', 'a100', 'h100'] as const;

export interface ToyOptions {
  readonly rows: number;
  readonly seed: number;
  /** Share of rows on which the provider's name says the truth; 0 = nothing can be learnt. */
  readonly signal?: number;
  readonly neverFails?: boolean;
}

export interface ToyRow {
  readonly example: Example;
  readonly trueStart: number;
  readonly trueCompletion: number;
}

const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 0, 1);

export function toyRows({ rows, seed, signal = 1, neverFails = false }: ToyOptions): readonly ToyRow[] {
  const random = seededRandom(seed);
  return Array.from({ length: rows }, (_, i) => toyRow(i, random, signal, neverFails));
}

export const toyExamples = (options: ToyOptions): readonly Example[] => toyRows(options).map(({ example }) => example);

function toyRow(i: number, random: Random, signal: number, neverFails: boolean): ToyRow {
  const truth = pick(PROVIDERS, random);
  const shown = random.next() < signal ? truth : pick(PROVIDERS, random);
  const gpu = pick(GPUS, random);
  const hours = 1 + 11 * random.next();
  const load = random.next();
  // A failed start is likelier under load; the wide part alone can see this, the crossing with the provider it cannot.
  const trueStart = neverFails ? 1 : truth.start * (truth.name === 'boaster' ? 1 - 0.5 * load : 1);
  const hazard = neverFails ? 0 : truth.hazard;
  const trueCompletion = trueStart * Math.exp(-hazard * hours);
  const started = random.next() < trueStart;
  const until = hazard === 0 ? Number.POSITIVE_INFINITY : -Math.log(1 - random.next()) / hazard;
  const completed = started && until >= hours;
  const noise = (): number => 0.2 * (random.next() + random.next() + random.next() - 1.5);
  const decidedAt = START_MS + i * 60_000;
  return {
    trueStart,
    trueCompletion,
    example: {
      decision_id: `d${String(i).padStart(6, '0')}`,
      attempt: 0,
      decided_at: decidedAt,
      observed_at: decidedAt + HOUR_MS,
      features: {
        ...TOY_SET,
        numeric: [Math.log(hours), load, random.next(), i % 2],
        categorical: [shown.name, gpu, `${shown.name}|${gpu}`],
      },
      run_hours: hours,
      started: started ? 1 : 0,
      interrupted: started ? (completed ? 0 : 1) : null,
      exposure_hours: started ? Math.min(until, hours) : null,
      log_price_ratio: started ? truth.price + noise() : null,
      log_latency_ratio: started ? truth.latency + noise() : null,
      log_ready_ms: started ? Math.log(truth.readyMs) + noise() : null,
      mode: 'rules',
      propensity: 0.9,
      utility: completed ? 0.5 : -0.5,
    },
  };
}

const pick = <T>(from: readonly T[], random: Random): T => from[random.below(from.length)] as T;

/** Small and quick; two passes over a few hundred rows take some 50 ms on wasm. */
export const TOY_CONFIG: TrainConfig = {
  hidden: [16, 8],
  epochs: 3,
  batch_size: 64,
  learning_rate: 0.01,
  l2: 1e-4,
  seed: 7,
  holdout_share: 0.2,
};

export const TOY_TIMES = { watermark: '2026-02-01T00:00:00.000Z', createdAt: '2026-02-01T00:00:01.000Z' } as const;
