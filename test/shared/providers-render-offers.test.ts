import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { offer as offerSchema } from '#shared/domain/offer.ts';
import { answerOf, parsedAnswer } from '#shared/providers/answer.ts';
import { splitImage } from '#shared/providers/render/image.ts';
import { nodeUsdPerHour, poolsOf } from '#shared/providers/render/offers.ts';
import { nodesAnswer } from '#shared/providers/render/wire.ts';
import { errorOf } from '#test/contract/providers-world.ts';
import { testCases } from '#test/support/cases.ts';
import { AT, node } from '#test/support/render-answers.ts';
import { anyText } from '#test/support/text.ts';

const gpus = (...models: readonly unknown[]) => ({
  hardware_summary: { gpu_count: models.length, gpu_models: models },
});
const poolsFrom = (...nodes: readonly unknown[]) =>
  poolsOf(nodesAnswer.parse({ data: nodes, total: nodes.length }).data, AT);

const listed = (given: unknown) =>
  answerOf('render offers', 200, {}, new TextEncoder().encode(JSON.stringify({ data: [given] })), (text) => text);

describe('offers of Render', () => {
  test('in the words of this house', () => {
    expect(poolsFrom(node(1, 0.69)).map(({ offer }) => offer)).toEqual([
      {
        provider: 'render',
        offer_id: 'render:us-west-2/rtx5090/NVIDIA%20RTX%205090',
        gpu_type: 'rtx5090',
        gpu_count: 1,
        gpu_count_min: 1,
        region: 'us-west',
        active: true,
        usd_per_gpu_hour: 0.69,
        latency_ms: null,
        latency_source: 'advertised',
        reputation: null,
        reputation_source: 'advertised',
        capacity_gpu_hours: null,
        capacity_total_gpu_hours: null,
        observed_at: AT,
      },
    ]);
  });

  test('nodes of one GPU type in one place are one offer, at the price of the dearest, whatever their quotes are called', () => {
    const pools = poolsFrom(
      node(6, 4.14, { offer_id: 'a' }),
      node(2, 1.5, { offer_id: 'b' }),
      node(2, 1.4),
      node(2, 1.4, { region_code: 'eu-central-1' }),
    );
    expect(
      pools.map(({ offer }) => [offer.region, offer.gpu_count_min, offer.gpu_count, offer.usd_per_gpu_hour]),
    ).toEqual([
      ['us-west', 2, 6, 0.75],
      ['eu-central', 2, 2, 0.7],
    ]);
    const [first] = pools;
    if (first === undefined) throw new Error('expected a pool');
    // Of the smallest node that has so many, the dearest.
    expect([1, 2, 3, 6, 7].map((count) => nodeUsdPerHour(first, count))).toEqual([1.5, 1.5, 4.14, 4.14, null]);
  });

  test('what a job must say to get one', () => {
    expect(poolsFrom(node(1, 0.69))).toMatchObject([
      { gpu: { gpu_registry_uuid: '0198ac1c-7063-4be8-bb94-57a5bd83548e' }, vramGib: 31.8, regionCode: 'us-west-2' },
    ]);
    const bare = poolsFrom(node(1, 0.69, { ...gpus({ name: 'NVIDIA RTX 5090' }), region_code: null }));
    expect(bare).toMatchObject([
      { gpu: { gpu_name: 'NVIDIA RTX 5090' }, vramGib: null, regionCode: null, offer: { region: 'unknown' } },
    ]);
  });

  test.each([
    ['NVIDIA A100 80GB PCIe', 80, 'a100'],
    ['NVIDIA A100', 40, 'a10040gb'],
    ['NVIDIA A100', 80, 'a100'],
    ['NVIDIA A100', null, 'a100'],
    ['NVIDIA H100 80GB HBM3', 80, 'h100'],
  ])('%s with %s GiB is %s', (name, min_vram_gib, gpu) => {
    expect(poolsFrom(node(1, 1, gpus({ name, min_vram_gib })))[0]?.offer.gpu_type).toBe(gpu);
  });

  test('nodes without a GPU, and with several kinds, are sold to nobody', () => {
    const mixed = gpus({ name: 'NVIDIA RTX 5090' }, { name: 'NVIDIA RTX 4090' });
    const without = { hardware_summary: { gpu_count: 0, gpu_models: [] } };
    expect(poolsFrom(node(1, 1, mixed), node(1, 1, without))).toEqual([]);
  });

  test.each([
    [{ pricing: {} }, 'data.0.pricing.hourly_rate_usd', 'nothing'],
    [{ pricing: { hourly_rate_usd: '0.69' } }, 'data.0.pricing.hourly_rate_usd', '"0.69"'],
    [{ pricing: { hourly_rate_usd: 0 } }, 'data.0.pricing.hourly_rate_usd', '0'],
    [{ hardware_summary: { gpu_models: [] } }, 'data.0.hardware_summary.gpu_count', 'nothing'],
    [gpus({ name: '' }), 'data.0.hardware_summary.gpu_models.0.name', '""'],
    [gpus({ name: 'half \ud800' }), 'data.0.hardware_summary.gpu_models.0.name', '"half'],
    [{ region_code: '\udfff' }, 'data.0.region_code', '"'],
  ])('what is missing or odd is named with its path and its value: %j', async (more, path, value) => {
    const error = await errorOf((async () => parsedAnswer(listed(node(1, 1, more)), nodesAnswer))());
    expect(error).toMatchObject({ code: 'provider_answer_invalid' });
    expect(error.message).toContain(`${path}: `);
    expect(error.message).toContain(`got ${value}`);
  });

  test('whatever can be read is an offer of this house, with an id that is found again', () => {
    const anyNode = fc.record({
      hardware_summary: fc.record({
        gpu_count: fc.nat(1_024),
        gpu_models: fc.array(
          fc.record({
            name: fc.oneof(fc.constantFrom('NVIDIA RTX 4090', 'A100'), anyText({ minLength: 1, maxLength: 20 })),
            min_vram_gib: fc.option(fc.double({ min: 0, max: 1e6, noNaN: true })),
          }),
          { maxLength: 2 },
        ),
      }),
      pricing: fc.record({ hourly_rate_usd: fc.double({ min: 1e-6, max: 1e6, noNaN: true }) }),
      region_code: fc.option(
        fc.oneof(fc.constantFrom('us-west-2', 'eu-central-1'), anyText({ minLength: 1, maxLength: 8 })),
      ),
    });
    fc.assert(
      fc.property(fc.array(anyNode, { maxLength: 4 }), (nodes) => {
        const pools = poolsFrom(...nodes);
        for (const { offer } of pools) expect(offerSchema.parse(offer)).toEqual(offer);
        const ids = pools.map(({ offer }) => offer.offer_id);
        expect(new Set(ids).size).toBe(ids.length);
        expect(
          poolsFrom(...[...nodes].reverse())
            .map(({ offer }) => offer.offer_id)
            .sort(),
        ).toEqual([...ids].sort());
      }),
      { numRuns: testCases },
    );
  });
});

describe('an image', () => {
  test.each([
    ['nginx', 'nginx', 'latest'],
    ['nvidia/cuda:12.9.1-base-ubuntu24.04', 'nvidia/cuda', '12.9.1-base-ubuntu24.04'],
    ['registry.example:5000/team/app', 'registry.example:5000/team/app', 'latest'],
    ['registry.example:5000/team/app:1.2', 'registry.example:5000/team/app', '1.2'],
    ['team/app@sha256:0a1b', 'team/app@sha256', '0a1b'],
    ['registry.example:5000/app:1.2@sha256:0a1b', 'registry.example:5000/app@sha256', '0a1b'],
  ])('%s', (reference, image, tag) => expect(splitImage(reference)).toEqual({ image, tag }));

  test('joined by a colon, the parts are the reference again', () => {
    const word = fc.stringMatching(/^[a-z0-9]{1,8}$/);
    const host = fc.oneof(
      fc.constant(''),
      word.map((name) => `${name}.example/`),
      word.map((name) => `${name}.example:5000/`),
    );
    const suffix = fc.oneof(
      word.map((tag) => `:${tag}`),
      word.map((hash) => `@sha256:${hash}`),
    );
    fc.assert(
      fc.property(host, fc.array(word, { minLength: 1, maxLength: 3 }), suffix, (at, path, end) => {
        const reference = `${at}${path.join('/')}${end}`;
        const { image, tag } = splitImage(reference);
        expect(`${image}:${tag}`).toBe(reference);
      }),
      { numRuns: testCases },
    );
  });
});
