/** The loop as the probes see it: a synthetic decision goes in at the bus and must come out of the warehouse; what waits and what is old. */
import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Decision } from '#shared/domain/decision.ts';
import { routingDecision } from '#shared/domain/events/catalogue.ts';
import { encodeEvent } from '#shared/domain/events/codec.ts';
import { decisionId } from '#shared/domain/ids.ts';
import { rfc3339, timestamp } from '#shared/domain/primitives.ts';
import { canonicalWorkloadOf, routeRequest } from '#shared/domain/request.ts';
import type { Platform } from '#shared/platform.ts';
import type { Bus } from '#shared/ports/bus.ts';
import type { WorldClock } from '#shared/ports/clock.ts';
import type { Objects } from '#shared/ports/objects.ts';
import type { Warehouse } from '#shared/ports/warehouse.ts';
import type { LoopReader } from '#shared/probes/tools.ts';
import { canarySeen } from '#shared/queries/probes.ts';
import { createRegistry, type Registry } from '#shared/registry/registry.ts';
import { OFFERS_OBJECT } from '#shared/serving/offers.ts';

interface LoopDeps {
  readonly bus: Bus;
  readonly warehouse: Warehouse;
  readonly objects: Objects;
  readonly registry: Registry;
  readonly worldClock: WorldClock;
  readonly deadLetters: LoopReader['deadLetters'];
  readonly newId: () => string;
}

/** The loop of a platform. */
export async function loopOf(platform: Platform): Promise<LoopReader> {
  const { worldClock } = platform;
  const objects = await platform.objects();
  const registry = createRegistry({ objects, worldClock });
  const [bus, warehouse] = [await platform.bus(), await platform.warehouse()];
  const deadLetters = (): ReturnType<Platform['countDeadLetters']> => platform.countDeadLetters();
  return createLoop({ bus, warehouse, objects, registry, worldClock, deadLetters, newId: randomUUID });
}

/** Whose decisions nobody learns from: nothing was eligible, so nothing became of them. */
const TENANT = 'aurora-probe';
/** Of world time: a canary may be looked for a while after it was published, and the day may have changed. */
const LOOK_BACK_MS = 24 * 3_600_000;

const observed = z.object({ observed_at: timestamp });

function createLoop({ bus, warehouse, objects, registry, worldClock, deadLetters, newId }: LoopDeps): LoopReader {
  const ageOf = (instant: string): number => Math.max(0, worldClock.now() - Date.parse(instant));
  return {
    newCanaryId: newId,
    async publishCanary(id) {
      await bus.publish(routingDecision.topic, [encodeEvent(routingDecision, canary(id, worldClock.now()))]);
    },
    async hasCanary(id) {
      const asked = { decision_id: decisionId(TENANT, id), since: rfc3339(worldClock.now() - LOOK_BACK_MS) };
      const [row] = await warehouse.query(canarySeen, asked);
      return (row?.seen ?? 0) > 0;
    },
    deadLetters,
    async championAgeMs() {
      const head = await registry.aliasHead('champion');
      return head?.version == null ? null : ageOf(head.at);
    },
    async offersAgeMs() {
      const stored = await objects.read(OFFERS_OBJECT);
      return stored === null
        ? null
        : ageOf(observed.parse(JSON.parse(new TextDecoder().decode(stored.bytes))).observed_at);
    },
  };
}

/** A request to which nothing was eligible, as route records it. */
function canary(id: string, nowMs: number): Decision {
  const request = routeRequest.parse({
    tenant_id: TENANT,
    workload_type: 'general',
    gpu_type: 'a100',
    region: 'global',
    gpu_hours: 1,
  });
  return {
    decision_id: decisionId(TENANT, id),
    request_id: id,
    decided_at: rfc3339(nowMs),
    tenant_id: TENANT,
    request: canonicalWorkloadOf(request),
    offers_generation: null,
    candidates: [],
    excluded: [],
    excluded_total: 0,
    recommended_offer_id: null,
    final_provider: null,
    final_offer_id: null,
    mode: 'rules',
    arm: null,
    overridden_by: null,
    propensity: null,
    salt_id: 'none',
    policy: { kind: 'greedy', epsilon: 0 },
    model_version: null,
    statistics_generation: null,
    model_age_s: null,
    offers_age_s: null,
    score_ms: null,
    decide_ms: 0,
    fallback_reason: null,
  };
}
