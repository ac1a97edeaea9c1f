import { claimed } from '#functions/deploy/decide.ts';
import { createWatch } from '#functions/watch/handler.ts';
import type { Look } from '#functions/watch/reckon.ts';
import {
  type DeploymentRecord,
  deploymentKey,
  deploymentRecord,
  liveKey,
  type OpenDeployment,
} from '#shared/domain/deployment.ts';
import { rfc3339 } from '#shared/domain/primitives.ts';
import { DEPLOYMENTS_OBJECT, deploymentsSummary } from '#shared/domain/provider-report.ts';
import type { Settlement } from '#shared/domain/settlement.ts';
import type { Measured } from '#shared/providers/latency-probe.ts';
import type { Address, InstanceStatus } from '#shared/providers/provider.ts';
import type { FunctionApp } from '#shared/runtime/types.ts';
import { fakeClock } from './clock.ts';
import { EVENT_SAMPLES } from './events.ts';
import { faults } from './faults.ts';
import { memoryBus } from './memory-bus.ts';
import { memoryObjects } from './memory-objects.ts';
import { aStatus, memoryProvider } from './memory-provider.ts';
import { memoryState } from './memory-state.ts';
import { bodyOf, post } from './push.ts';
import { testDeps } from './runtime.ts';

/** Watch's world begins here; the samples' request is for 8 GPU-hours on 2 GPUs: four hours. */
export const START = Date.UTC(2026, 0, 1);
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const at = (minutes: number): string => rfc3339(START + minutes * MINUTE);

/** Deployed at the start of the world: instance `i-<id>`. */
export const liveRecord = (
  decisionId = 'd1',
  provider = 'vast',
  changes: Partial<OpenDeployment> = {},
): OpenDeployment => {
  const sample = EVENT_SAMPLES['deployment-requested'];
  const option = { ...sample.option, provider, offer_id: `${provider}:1` };
  const request = { ...sample, decision_id: decisionId, propensity: 0.9, option, fallbacks: [] };
  return { ...claimed(request, START), state: 'live', instance_id: `i-${decisionId}`, ...changes };
};

/** What a provider says that keeps all books. */
export const booked = (changes: Partial<InstanceStatus> = {}): InstanceStatus =>
  aStatus('i-d1', 'd1', {
    created_at: at(0),
    exposure_hours: 0,
    useful_gpu_hours: 0,
    billed_gpu_hours: 0,
    cost_usd: 0,
    ...changes,
  });
export const RUNNING = booked({
  state: 'running',
  ready_at: at(2),
  latency_ms: 120,
  exposure_hours: 1,
  billed_gpu_hours: 2,
});
export const COMPLETED = booked({
  state: 'completed',
  ready_at: at(2),
  ended_at: at(242),
  latency_ms: 120,
  exposure_hours: 4,
  useful_gpu_hours: 8,
  billed_gpu_hours: 8,
  cost_usd: 4,
});

/** A look that took no time, at a minute of the world. */
export const look = (status: InstanceStatus | null, minute: number, changes: Partial<Look> = {}): Look => ({
  status,
  fromMs: START + minute * MINUTE,
  untilMs: START + minute * MINUTE,
  beforeMs: null,
  latencyMs: null,
  ...changes,
});

export function watchHouse() {
  const clock = fakeClock(START);
  const state = memoryState(clock);
  const bus = memoryBus();
  const objects = memoryObjects();
  const deaths = faults();
  const vast = memoryProvider('vast');
  const akash = memoryProvider('akash');
  const deps = testDeps(clock);
  const settlements: Settlement[] = [];
  const probed: Address[] = [];
  const levers = {
    /** What measuring comes to. */
    latency: { ms: null, reason: 'nobody answers' } as Measured,
    settled: async (settlement: Settlement): Promise<void> => void settlements.push(settlement),
  };
  const app = (): FunctionApp =>
    createWatch({
      ...deps,
      worldClock: clock,
      providers: [vast, akash].map((provider) => deaths.wrap(provider)),
      bus: deaths.wrap(bus),
      state: deaths.wrap(state),
      objects: deaths.wrap(objects),
      probe: async (address) => {
        probed.push(address);
        return levers.latency;
      },
      settled: (settlement) => levers.settled(settlement),
    });
  return {
    clock,
    state,
    bus,
    objects,
    deaths,
    deps,
    vast,
    akash,
    settlements,
    /** Addresses that were measured. */
    probed,
    levers,
    app,
    async live(record: DeploymentRecord, id = 'request' in record ? record.request.decision_id : 'd1'): Promise<void> {
      await state.create(deploymentKey(id), record);
      await state.create(liveKey(id), { decision_id: id });
    },
    record: async (id = 'd1'): Promise<DeploymentRecord> =>
      deploymentRecord.parse((await state.get(deploymentKey(id)))?.value),
    index: async () => (await state.list('live/', { limit: 10_000 })).map(({ key }) => key),
    doubts: async () => (await state.list('in-doubt/')).map(({ key }) => key),
    async run(instance = app()): Promise<{ readonly status: number } & Readonly<Record<string, number | boolean>>> {
      const response = await post(instance, '/run');
      return { status: response.status, ...bodyOf<Record<string, number | boolean>>(response) };
    },
    outcomes: () =>
      bus
        .payloads('routing-outcome')
        .map(({ decision_id, sequence, status, final, observed_at }) => [
          decision_id,
          sequence,
          status,
          final,
          observed_at,
        ]),
    final: () => bus.payloads('routing-outcome').find(({ final }) => final),
    async summary() {
      const stored = await objects.read(DEPLOYMENTS_OBJECT);
      return stored === null ? null : deploymentsSummary.parse(JSON.parse(new TextDecoder().decode(stored.bytes)));
    },
    metric: async (text: string) =>
      (await deps.metrics.exposition()).split('\n').filter((line) => line.startsWith(text)),
    lines: (level: 'warn' | 'error') => deps.lines.filter((line) => line.level === level),
  };
}
