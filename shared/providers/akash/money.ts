import type { Price } from './wire.ts';

/** Akash bills by the block; one takes about six seconds, and by this number the network names its hourly prices. */
export const BLOCKS_PER_HOUR = 600;
export const BLOCK_MS = 6_000;
const MICRO = 1e6;

/** A price in USD, per block. `aktUsd`: of one AKT; null: not known. Null: a coin of which nobody says what it is worth. */
export function usdPerBlock({ denom, amount }: Price, aktUsd: number | null): number | null {
  if (denom === 'uact') return amount / MICRO;
  return denom === 'uakt' && aktUsd !== null ? (amount / MICRO) * aktUsd : null;
}

export function usdPerHour(price: Price, aktUsd: number | null): number | null {
  const usd = usdPerBlock(price, aktUsd);
  return usd === null ? null : usd * BLOCKS_PER_HOUR;
}

/** Whole micro-ACT per block: no less than is meant, for who may bid; whether a bid is dear is said by its price in USD. */
export const uactPerBlock = (usdAnHour: number): number => Math.ceil((usdAnHour * MICRO) / BLOCKS_PER_HOUR);

/** Prices have been to micro-units per block and back. */
const ROUNDING = 1e-9;
export const isDearer = (usd: number, limitUsd: number): boolean => usd > limitUsd * (1 + ROUNDING);
