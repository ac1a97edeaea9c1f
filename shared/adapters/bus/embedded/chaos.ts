/** Test mode: what at-least-once delivery allows, on purpose and from a seed. Shares in [0, 1). */
export interface ChaosConfig {
  readonly seed: number;
  readonly duplicate: number;
  readonly reorder: number;
}

/** Longest detour of a message that is overtaken, host milliseconds. */
const DETOUR_MS = 250;

export interface Chaos {
  /** Milliseconds by which a first delivery is put off, so that later ones overtake it; 0 = go. */
  detourMs(): number;
  /** Is this first delivery delivered twice? */
  duplicates(): boolean;
}

export function createChaos(config: ChaosConfig | undefined): Chaos {
  if (config === undefined) return { detourMs: () => 0, duplicates: () => false };
  const random = seededRandom(config.seed);
  return {
    detourMs: () => (random() < config.reorder ? 1 + Math.floor(random() * DETOUR_MS) : 0),
    duplicates: () => random() < config.duplicate,
  };
}

/** mulberry32 (Tommy Ettinger, public domain): 32 bits of state, enough to jitter and to shuffle. Uniform in [0, 1). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
