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
  if (atMost(decision) <= LIMIT_BYTES) return decision;
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

/** Of the decision's other words and figures, and of a candidate's, the keys included; generous. */
const BASE_BYTES = 8_192;
const CANDIDATE_BYTES = 1_536;
const EXCLUSION_BYTES = 256;
/** A number in JSON, and a character of a text: six bytes as an escape. */
const NUMBER_BYTES = 26;
const CHARACTER_BYTES = 6;

/** No less than bytesOf, and some hundred times faster: most decisions are far from the limit, and a text made to be measured is made for nothing. */
function atMost({ candidates, excluded, request, request_id, tenant_id }: Decision): number {
  let characters = request_id.length + 2 * tenant_id.length;
  characters += request.workload_type.length + request.gpu_type.length + request.region.length;
  characters += request.image?.length ?? 0;
  let bytes = BASE_BYTES + candidates.length * CANDIDATE_BYTES + excluded.length * EXCLUSION_BYTES;
  for (const { provider, offer_id: offerId, features } of candidates) {
    characters += 2 * (provider.length + offerId.length);
    if (features === null) continue;
    bytes += features.numeric.length * NUMBER_BYTES;
    for (const word of features.categorical) characters += word.length;
  }
  for (const { provider, offer_id: offerId, needed } of excluded)
    characters += provider.length + offerId.length + needed.length;
  return bytes + characters * CHARACTER_BYTES;
}

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));
