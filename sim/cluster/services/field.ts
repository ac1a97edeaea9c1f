/**
 * The field that psi-field keeps: sixteen inputs a step, what was expected of them, and what it remembers. It is the simulation's own,
 * small and smooth; only names, ranges and the way they depend on one another are those of the real one.
 */
import { normal, uniforms } from '../../market/random.ts';

export const DIMENSIONS = 16;

export interface FieldState {
  /** Density. */
  readonly Psi: number;
  /** Continuity: how little the last step surprised. */
  readonly C: number;
  /** Futurity: how much the input is like what is remembered. */
  readonly U: number;
  /** Phase coherence. */
  readonly Phi: number;
  /** Temporal entropy of the memory, 0 to 1. */
  readonly H: number;
  /** Prediction error. */
  readonly PE: number;
  /** How much is remembered. */
  readonly M: number;
  /** Time dilation. */
  readonly dt_eff: number;
  readonly k: number;
}

export interface Field {
  /** One input; it is expected to come again. */
  step(input: readonly number[]): void;
  /** Makes up for `steps` of its own input; of many only the last count. */
  run(steps: number): void;
  state(): FieldState;
}

/** Steps after which nothing is left of a memory that keeps nine tenths. */
const REMEMBERED = 128;
const KEPT_SHARE = 0.9;

export function createField(seed: number, k0: number): Field {
  let k = k0;
  let memory: readonly number[] = new Array(DIMENSIONS).fill(0);
  let expected: readonly number[] = ownInput(seed, k0);
  let error = 0;
  let input = expected;

  function step(next: readonly number[]): void {
    k += 1;
    error = norm(next.map((value, i) => value - (expected[i] ?? 0)));
    memory = next.map((value, i) => KEPT_SHARE * (memory[i] ?? 0) + (1 - KEPT_SHARE) * value);
    expected = next;
    input = next;
  }

  return {
    step,
    run(steps) {
      k += Math.max(0, steps - REMEMBERED);
      for (let n = Math.min(steps, REMEMBERED); n > 0; n -= 1) step(ownInput(seed, k));
    },
    state() {
      const C = Math.exp(-error);
      const U = (1 + cosine(input, memory)) / 2;
      const Phi = coherence(input);
      const H = entropy(memory);
      return {
        Psi: ((C + U + Phi) / 3) * (1 - H / 4),
        C,
        U,
        Phi,
        H,
        PE: error,
        M: norm(memory),
        dt_eff: 1 / (1 + error),
        k,
      };
    },
  };
}

/** Sixteen slow waves, each of a period of its own, with some noise: a step differs by about 0.5 from the one before. */
function ownInput(seed: number, k: number): readonly number[] {
  const draw = uniforms('psi field', seed, k);
  return Array.from(
    { length: DIMENSIONS },
    (_, i) => 0.5 * Math.sin((2 * Math.PI * k) / (90 + 11 * i) + i) + 0.08 * normal(draw),
  );
}

const norm = (values: readonly number[]): number => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));

function cosine(a: readonly number[], b: readonly number[]): number {
  const size = norm(a) * norm(b);
  return size === 0 ? 0 : a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0) / size;
}

/** Of the values as angles: 1 when all point the same way. */
function coherence(values: readonly number[]): number {
  const [x, y] = [Math.cos, Math.sin].map((of) => values.reduce((sum, value) => sum + of(value), 0) / values.length);
  return Math.hypot(x ?? 0, y ?? 0);
}

function entropy(values: readonly number[]): number {
  const total = values.reduce((sum, value) => sum + Math.abs(value), 0);
  if (total === 0) return 0;
  const bits = values.map((value) => Math.abs(value) / total).map((p) => (p === 0 ? 0 : -p * Math.log(p)));
  return bits.reduce((sum, value) => sum + value, 0) / Math.log(values.length);
}
