import { describe, expect, it } from 'vitest';
import { IMPUTED_LATENCY_MS } from '#shared/defaults.ts';
import type { Outcome } from '#shared/domain/outcome.ts';
import { dataSha256, exampleOf } from '#shared/learning/examples.ts';
import { FEATURE_SET } from '#shared/learning/features.ts';
import { toyExamples } from '#test/support/learning.ts';

const completed: Outcome = {
  decision_id: 'd1',
  attempt: 0,
  sequence: 1,
  provider: 'akash',
  offer_id: 'akash:1',
  observed_at: '2026-01-01T05:00:00.000Z',
  status: 'completed',
  final: true,
  blame: null,
  ready_ms: 60_000,
  ready_within_ms: null,
  latency_ms: 200,
  exposure_hours: 4,
  useful_gpu_hours: 8,
  billed_gpu_hours: 8,
  cost_usd: 8.8,
  effective_usd_per_gpu_hour: 1.1,
  decided_at: '2026-01-01T00:00:00.000Z',
  tenant_id: 'default',
  request: {
    tenant_id: 'default',
    workload_type: 'rendering',
    gpu_type: 'h100',
    region: 'us-west',
    gpu_hours: 8,
    gpu_count: 2,
    max_price: 2,
    max_latency_ms: 400,
    min_reputation: null,
    weights: { price: 0.35, latency: 0.3, reputation: 0.2, availability: 0.15 },
    priority: 'normal',
    image: null,
    port: null,
  },
  advertised_usd_per_gpu_hour: 1,
  advertised_latency_ms: 100,
  features: { set: FEATURE_SET.set, hash: FEATURE_SET.hash, numeric: [1], categorical: ['akash'] },
  mode: 'rules',
  propensity: 0.9,
};
const failedStart: Partial<Outcome> = {
  status: 'failed_to_start',
  blame: 'provider',
  ready_ms: null,
  ready_within_ms: null,
  latency_ms: null,
  exposure_hours: null,
  effective_usd_per_gpu_hour: null,
  cost_usd: 0,
};

describe('exampleOf', () => {
  it('reads a completed run', () => {
    expect(exampleOf(completed)).toEqual({
      decision_id: 'd1',
      attempt: 0,
      decided_at: Date.parse('2026-01-01T00:00:00.000Z'),
      observed_at: Date.parse('2026-01-01T05:00:00.000Z'),
      features: completed.features,
      run_hours: 4,
      started: 1,
      interrupted: 0,
      exposure_hours: 4,
      log_price_ratio: Math.log(1.1),
      log_latency_ratio: Math.log(2),
      log_ready_ms: Math.log(60_000),
      mode: 'rules',
      propensity: 0.9,
      // 1 - .35 * 8.8/16 - .30 * 200/400 - .15 * 60/900
      utility: expect.closeTo(1 - 0.35 * 0.55 - 0.15 - 0.01, 12),
    });
  });

  it.each<[string, Partial<Outcome>]>([
    ['an interim outcome', { status: 'ready', final: false, sequence: 0 }],
    ["the tenant's fault", { status: 'failed', blame: 'tenant' }],
    ['our own fault', { status: 'failed_to_start', blame: 'ours' }],
    ['a cancelled run', { status: 'cancelled', blame: null }],
    ['a run that was never scored', { features: null }],
    ['features of another set', { features: { set: 'other', hash: FEATURE_SET.hash, numeric: [], categorical: [] } }],
    ['another definition of the set', { features: { set: FEATURE_SET.set, hash: 'x', numeric: [], categorical: [] } }],
  ])('%s teaches nothing', (_, change) => {
    expect(exampleOf({ ...completed, ...change })).toBeNull();
  });

  it.each<[string, Partial<Outcome>, object]>([
    [
      'a failed start teaches the start alone',
      failedStart,
      {
        started: 0,
        interrupted: null,
        exposure_hours: null,
        log_price_ratio: null,
        log_latency_ratio: null,
        log_ready_ms: null,
      },
    ],
    ["the network's fault counts as a failed start", { ...failedStart, blame: 'network' }, { started: 0 }],
    [
      'a preempted run is an interruption, and paid per billed hour',
      {
        status: 'preempted',
        blame: 'provider',
        exposure_hours: 1,
        useful_gpu_hours: 0.1,
        billed_gpu_hours: 2,
        cost_usd: 3,
        effective_usd_per_gpu_hour: 30,
      },
      { started: 1, interrupted: 1, exposure_hours: 1, log_price_ratio: Math.log(1.5) },
    ],
    [
      'a failure after ready is an interruption',
      { status: 'failed', blame: 'provider' },
      { started: 1, interrupted: 1 },
    ],
    [
      'a failure before ready is a failed start',
      { status: 'failed', blame: 'provider', ready_ms: null },
      { started: 0, interrupted: null },
    ],
    [
      'a completed run without exposure was exposed for its whole time',
      { exposure_hours: null },
      { interrupted: 0, exposure_hours: 4 },
    ],
    [
      'an interrupted run without exposure masks the hazard',
      { status: 'preempted', exposure_hours: null },
      { interrupted: 1, exposure_hours: null },
    ],
    [
      'an interruption at once has a floor of a minute',
      { status: 'preempted', exposure_hours: 0 },
      { exposure_hours: 1 / 60 },
    ],
    [
      'an unadvertised latency is measured against its stand-in',
      { advertised_latency_ms: null },
      { log_latency_ratio: Math.log(200 / IMPUTED_LATENCY_MS) },
    ],
    ['an unmeasured latency masks its head', { latency_ms: null }, { log_latency_ratio: null }],
    ['a completed run with an unknown ready time started', { ready_ms: null }, { started: 1, log_ready_ms: null }],
    ['a wait that looks leave open masks its head', { ready_within_ms: 40_000 }, { started: 1, log_ready_ms: null }],
    ['a free offer has no price ratio', { advertised_usd_per_gpu_hour: 0 }, { log_price_ratio: null }],
    [
      'a fallback keeps its null propensity',
      { attempt: 1, propensity: null },
      { attempt: 1, propensity: null, started: 1 },
    ],
  ])('%s', (_, change, expected) => {
    expect(exampleOf({ ...completed, ...change })).toMatchObject(expected);
  });
});

describe('dataSha256', () => {
  const examples = toyExamples({ rows: 700, seed: 1 });

  it('does not depend on the order in which rows came', async () => {
    expect(await dataSha256(examples.toReversed())).toBe(await dataSha256(examples));
  });

  it('changes with any value', async () => {
    const before = await dataSha256(examples);
    const [first, ...rest] = examples;
    if (first === undefined) throw new Error('no rows');
    for (const changed of [
      { ...first, utility: first.utility + 1e-9 },
      { ...first, propensity: null },
      { ...first, features: { ...first.features, numeric: [...first.features.numeric, 0] } },
    ])
      expect(await dataSha256([changed, ...rest])).not.toBe(before);
  });
});
