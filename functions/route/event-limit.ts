import { MAX_EVENT_BYTES } from '#shared/defaults.ts';
import type { Decision } from '#shared/domain/decision.ts';

/** For what the caller fills in later: digits of decide_ms. */
const ROOM_BYTES = 64;
const LIMIT_BYTES = MAX_EVENT_BYTES - ROOM_BYTES;

/**
 * The decision as one event that the bus takes. 64 candidates in plain words are about 55 KiB; names of 128 characters in
 * another script triple that. Then the features of the worst candidates go first, for the policy replays without them and
 * only the acted one's ever meet an outcome; after them the near misses, whose number stays.
 */
export function withinEventLimit(decision: Decision): Decision {
  let excess = bytesOf(decision) - LIMIT_BYTES;
  if (excess <= 0) return decision;
  const candidates = [...decision.candidates];
  for (let i = candidates.length - 1; i >= 0 && excess > 0; i--) {
    const candidate = candidates[i];
    if (candidate === undefined || candidate.offer_id === decision.final_offer_id) continue;
    excess -= bytesOf(candidate.features) - bytesOf(null);
    candidates[i] = { ...candidate, features: null };
  }
  const excluded = [...decision.excluded];
  while (excess > 0 && excluded.length > 0) excess -= bytesOf(excluded.pop()) + 1;
  return { ...decision, candidates, excluded };
}

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));
