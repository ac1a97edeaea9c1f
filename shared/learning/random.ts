/**
 * xoshiro128** by Blackman and Vigna (https://prng.di.unimi.it/xoshiro128starstar.c), seeded through splitmix32 as its
 * authors advise. Not for secrets: for shuffles and resampling that must repeat bit for bit on every machine.
 */
export interface Random {
  /** Uniform in [0, 1), 32 bits. */
  next(): number;
  /** Uniform integer in [0, bound), bound at most 2^32. Multiply-shift: its bias of bound / 2^32 is far below any use here. */
  below(bound: number): number;
}

export function seededRandom(seed: number): Random {
  let mix = (seed ^ (seed / 2 ** 32)) >>> 0;
  const splitmix = (): number => {
    mix = (mix + 0x9e3779b9) | 0;
    let z = mix;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    return (z ^ (z >>> 15)) | 0;
  };
  let a = splitmix();
  let b = splitmix();
  let c = splitmix();
  let d = splitmix();
  const rotate = (x: number, bits: number): number => (x << bits) | (x >>> (32 - bits));
  const next = (): number => {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0;
    const t = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= t;
    d = rotate(d, 11);
    return result / 2 ** 32;
  };
  return { next, below: (bound) => Math.floor(next() * bound) };
}

/** Fisher-Yates (Durstenfeld 1964), in place. */
export function shuffle(indices: Uint32Array, random: Random): void {
  for (let i = indices.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    const held = indices[i] ?? 0;
    indices[i] = indices[j] ?? 0;
    indices[j] = held;
  }
}
