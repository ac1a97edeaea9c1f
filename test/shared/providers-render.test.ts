import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { z } from 'zod';
import { offer as offerSchema } from '#shared/domain/offer.ts';
import { timestamp } from '#shared/domain/primitives.ts';
import { answerOf, parsedAnswer } from '#shared/providers/answer.ts';
import type { ProviderClient } from '#shared/providers/client.ts';
import { labelsOf } from '#shared/providers/labels.ts';
import { isOver } from '#shared/providers/provider.ts';
import { renderBook } from '#shared/providers/render/book.ts';
import { splitImage } from '#shared/providers/render/image.ts';
import { nodeUsdPerHour, poolsOf } from '#shared/providers/render/offers.ts';
import { statusOf } from '#shared/providers/render/status.ts';
import {
  creationRefusal,
  jobAnswer,
  jobsAnswer,
  nodesAnswer,
  renderRefusal,
  runAnswer,
  runsAnswer,
} from '#shared/providers/render/wire.ts';
import { errorOf } from '#test/contract/providers-world.ts';
import { testCases } from '#test/support/cases.ts';

const AT = '2026-11-30T12:00:00.000Z';
const labels = labelsOf('0123abcd');
const context = { deadline: Number.POSITIVE_INFINITY };

/** A node as the reference shows one. */
const node = (gpuCount: number, usd: number, more: Readonly<Record<string, unknown>> = {}) => ({
  availability: {},
  hardware_summary: {
    cpu_cores: 16,
    gpu_count: gpuCount,
    gpu_model_label: 'RTX 5090',
    gpu_models: [
      {
        count: gpuCount,
        gpu_registry_uuid: '0198ac1c-7063-4be8-bb94-57a5bd83548e',
        min_vram_gib: 31.8,
        name: 'NVIDIA RTX 5090',
      },
    ],
    ram_gib: 64,
    storage_gib: 500,
  },
  offer_id: 'quote-1',
  pricing: { hourly_rate_usd: usd, quoted_at: AT },
  region_code: 'us-west-2',
  ...more,
});
const gpus = (...models: readonly unknown[]) => ({
  hardware_summary: { gpu_count: models.length, gpu_models: models },
});
const poolsFrom = (...nodes: readonly unknown[]) =>
  poolsOf(nodesAnswer.parse({ data: nodes, total: nodes.length }).data, AT);

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
      { gpu: { gpu_name: 'NVIDIA RTX 5090' }, vramGib: null, regionCode: null, offer: { region: 'global' } },
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
    const error = await errorOf((async () => parsed(nodesAnswer, { data: [node(1, 1, more)] }))());
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
            name: fc.oneof(
              fc.constantFrom('NVIDIA RTX 4090', 'A100'),
              fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
            ),
            min_vram_gib: fc.option(fc.double({ min: 0, max: 1e6, noNaN: true })),
          }),
          { maxLength: 2 },
        ),
      }),
      pricing: fc.record({ hourly_rate_usd: fc.double({ min: 1e-6, max: 1e6, noNaN: true }) }),
      region_code: fc.option(
        fc.oneof(
          fc.constantFrom('us-west-2', 'eu-central-1'),
          fc.string({ unit: 'binary', minLength: 1, maxLength: 8 }),
        ),
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

const CREATED = Date.UTC(2026, 10, 30, 12);
const job = (more: Readonly<Record<string, unknown>> = {}) => ({
  object: 'job',
  uuid: '3fa85f64-5717-4562-b3fc-2c963f66afa6',
  title: 'aurora-0123abcd-r-1',
  status: 'RUNNING',
  created_at: '2026-11-30T12:00:00Z',
  parameters: { type: 'docker', parameters: { ports: [8080], env: {} } },
  ...more,
});
const ssh = { description: 'ssh', hostname: 'node.example', port: 30_022, protocol: 'tcp' };
const http = { description: '8080', hostname: 'proxy.example', port: 30_080, protocol: 'tcp', tls: true };
const run = (more: Readonly<Record<string, unknown>> = {}) => ({
  uuid: 'run-1',
  job_uuid: '3fa85f64-5717-4562-b3fc-2c963f66afa6',
  status: 'RUNNING',
  started_at_ms: CREATED + 4_000,
  node_urls: [ssh, http],
  ...more,
});
const seen = (
  jobMore: Readonly<Record<string, unknown>>,
  runMore: Readonly<Record<string, unknown>> | null = {},
  ran = false,
) =>
  statusOf(
    jobAnswer.parse(job(jobMore)),
    runMore === null ? null : (runsAnswer.parse({ data: [run(runMore)] }).data[0] ?? null),
    labels,
    ran,
  );

describe('a status of Render', () => {
  test('of a job that runs', () => {
    expect(seen({}, { node: { gpus: [{}, {}] }, pricing: { hourly_rate_usd: 1.38 } })).toEqual({
      instance_id: '3fa85f64-5717-4562-b3fc-2c963f66afa6',
      request_id: 'r-1',
      state: 'running',
      blame: null,
      created_at: '2026-11-30T12:00:00.000Z',
      ready_at: null,
      ended_at: null,
      address: { host: 'proxy.example', port: 30_080, tls: true },
      gpu_count: 2,
      usd_per_hour: 1.38,
      storage_usd_per_hour: null,
      latency_ms: null,
      exposure_hours: null,
      useful_gpu_hours: null,
      billed_gpu_hours: null,
      cost_usd: null,
    });
  });

  const UP = {};
  const NEVER_UP = { node_urls: [] };
  test.each<[string, object, Record<string, unknown> | null, string, string | null]>([
    ['waits', { status: 'PENDING' }, null, 'provisioning', null],
    ['has a node', { status: 'ASSIGNED' }, { status: 'ASSIGNED', ...NEVER_UP }, 'provisioning', null],
    ['is prepared', { status: 'PREPARING' }, { status: 'PREPARING', ...NEVER_UP }, 'provisioning', null],
    ['is ahead of its run', { status: 'RUNNING' }, { status: 'PREPARING', ...NEVER_UP }, 'provisioning', null],
    ['runs, its run not known', { status: 'RUNNING' }, null, 'running', null],
    ['runs, in small letters', { status: 'running' }, null, 'running', null],
    ['is done', { status: 'COMPLETED' }, { ended_at_ms: CREATED + 9_000_000 }, 'completed', null],
    ['never ran', { status: 'FAILED' }, NEVER_UP, 'failed_to_start', 'provider'],
    [
      'never ran, of its image',
      { status: 'FAILED', status_reason: 'Failed to pull image' },
      NEVER_UP,
      'failed_to_start',
      'tenant',
    ],
    [
      'found no money',
      { status: 'FAILED', status_reason: 'insufficient credits' },
      NEVER_UP,
      'failed_to_start',
      'ours',
    ],
    ['is failing', { status: 'FAILING' }, UP, 'failed', null],
    ['exits', { status: 'FAILED', status_reason: 'Container exited with code 1' }, UP, 'failed', 'tenant'],
    ['loses its node', { status: 'FAILED', status_reason: 'Node went offline' }, UP, 'preempted', 'provider'],
    [
      'loses its node, says its run',
      { status: 'FAILED' },
      { status_reason: 'node was reclaimed' },
      'preempted',
      'provider',
    ],
    [
      'never had its node',
      { status: 'FAILED', status_reason: 'Node went offline' },
      NEVER_UP,
      'failed_to_start',
      'provider',
    ],
    ['is cut off', { status: 'FAILED', status_reason: 'heartbeat missed' }, UP, 'failed', 'network'],
    [
      'lasted longer than a start may',
      { status: 'FAILED' },
      { ...NEVER_UP, ended_at_ms: CREATED + 3_600_000 },
      'failed',
      null,
    ],
    ['is given back', { status: 'CANCELLED' }, UP, 'cancelled', 'tenant'],
    ['is being given back', { status: 'CANCELLING' }, UP, 'cancelled', 'tenant'],
    ['is stopped for money', { status: 'CANCELLED', status_reason: 'Balance exhausted' }, UP, 'cancelled', 'ours'],
    ['is called what nobody knows', { status: 'HIBERNATING' }, NEVER_UP, 'running', null],
    ['is called what nobody knows, unseen', { status: 'QUEUED' }, null, 'provisioning', null],
    ['ended under an unknown name', { status: 'SUCCEEDED' }, { ended_at_ms: CREATED + 9_000_000 }, 'exited', null],
    ['ended under an unknown name, by itself', { status: 'EXPIRED', completed_at: AT }, null, 'exited', null],
    ['is called like what JavaScript knows', { status: 'constructor' }, null, 'provisioning', null],
  ])('one that %s', (_, jobMore, runMore, state, blame) => {
    expect(seen({ ...jobMore }, runMore)).toMatchObject({ state, blame });
  });

  test('one that was seen running did run, whatever its run says now', () => {
    expect(seen({ status: 'FAILED' }, NEVER_UP, true)).toMatchObject({ state: 'failed', blame: null });
  });

  test.each([
    ['the one of our port', [ssh, http], http],
    ['the only one, unnamed', [{ ...http, description: null }], http],
    ['never that of a shell', [ssh], null],
    [
      'one that is not whole yet',
      [
        { ...http, hostname: null },
        { ...http, port: null },
        { ...http, hostname: ' ' },
      ],
      null,
    ],
    ['none', [], null],
    ['none, said otherwise', null, null],
  ])('an address: %s', (_, node_urls, expected) => {
    const address = expected === null ? null : { host: expected.hostname, port: expected.port, tls: expected.tls };
    expect(seen({}, { node_urls })).toMatchObject({ state: 'running', address });
  });

  test('an address is that of the port of the job, a number or its text, and gone with it', () => {
    const other = { description: 9_090, hostname: 'other.example', port: '1', tls: null };
    const ports = { parameters: { parameters: { ports: [9_090] } } };
    expect(seen(ports, { node_urls: [http, other] }).address).toEqual({ host: 'other.example', port: 1, tls: false });
    expect(seen({ status: 'COMPLETED' }).address).toBeNull();
  });

  test.each([
    ['an offer’s', { hardware_summary: { gpu_count: 6 }, pricing: { hourly_rate_usd: 4.14 } }, 6, 4.14],
    ['a node’s', { node: { gpus: [1, 2, 3] }, hourly_rate_usd: 0.5 }, 3, 0.5],
    ['a node’s own list', { node: { current_hardware: { gpus: [1] }, pricing: { hourly_rate_usd: 0.1 } } }, 1, 0.1],
    ['no words at all', {}, null, null],
    ['odd words', { node: { gpus: 'six', gpu_count: 0 }, pricing: { hourly_rate_usd: '4.14' } }, null, null],
  ])('what was given, in %s words', (_, more, gpu_count, usd_per_hour) => {
    expect(seen({}, more)).toMatchObject({ gpu_count, usd_per_hour });
  });

  test('times: of the run before those of the job; a date without a time is none', () => {
    const ended = { status: 'COMPLETED', completed_at: '2026-11-30T15:00:00+01:00' };
    expect(seen(ended, { ended_at_ms: CREATED + 7_200_000 }).ended_at).toBe('2026-11-30T14:00:00.000Z');
    expect(seen(ended, null).ended_at).toBe('2026-11-30T14:00:00.000Z');
    expect(seen({ created_at: '2026-11-30', status: 'RUNNING', completed_at: AT })).toMatchObject({
      created_at: null,
      ended_at: null,
    });
  });

  test('whatever can be read is a status, and an end has no address', () => {
    const word = fc.oneof(
      fc.constantFrom('RUNNING', 'FAILED', 'COMPLETED', 'CANCELLED', 'PENDING'),
      fc.string({ minLength: 1, maxLength: 20 }),
    );
    const anything = fc.jsonValue({ maxDepth: 2 });
    const anyJob = fc.record({
      status: word,
      title: fc.option(fc.string()),
      created_at: anything,
      completed_at: anything,
      parameters: anything,
    });
    const anyRun = fc.record({
      status: word,
      started_at_ms: fc.option(fc.nat()),
      ended_at_ms: fc.option(fc.double({ min: 0, max: 253_402_300_799_999, noNaN: true })),
      node: anything,
      pricing: anything,
      hardware_summary: anything,
      node_urls: fc.option(
        fc.array(
          fc.record({
            description: fc.option(fc.oneof(fc.string(), fc.nat())),
            hostname: fc.option(fc.string()),
            port: fc.option(fc.integer({ min: 1, max: 65_535 })),
          }),
          { maxLength: 3 },
        ),
      ),
    });
    fc.assert(
      fc.property(anyJob, fc.option(anyRun), fc.boolean(), (jobMore, runMore, ran) => {
        const status = seen(jobMore, runMore, ran);
        for (const at of [status.created_at, status.ended_at]) if (at !== null) expect(timestamp.parse(at)).toBe(at);
        expect(isOver(status) ? status.address : status.ended_at).toBeNull();
        if (!isOver(status)) expect(status.blame).toBeNull();
      }),
      { numRuns: testCases },
    );
  });
});

function parsed<T>(schema: z.ZodType<T>, body: unknown, status = 200): T {
  return parsedAnswer(answer(status, body), schema);
}
const answer = (status: number, body: unknown) =>
  answerOf('render test', status, {}, new TextEncoder().encode(JSON.stringify(body)), (text) => text);

describe("Render's way to say no", () => {
  const no = (code: unknown) => ({ error: { code, message: 'because' } });
  test.each([
    ['NO_NODES_AVAILABLE', 'offer_gone'],
    ['gpu_not_found', 'offer_gone'],
    ['OFFER_EXPIRED', 'offer_gone'],
    ['INSUFFICIENT_CREDITS', 'provider_funds'],
  ])('%s of a creation, with any status, is %s', (code, expected) => {
    for (const status of [400, 409, 422, 503]) {
      const error = creationRefusal(answer(status, no(code)));
      expect(error).toMatchObject({ code: expected, retryable: false });
      expect(error?.message).toContain(`render test: ${status} ${code.toUpperCase()} because`);
    }
  });

  test('what is gone is gone for a creation alone; what says nothing more leaves it to the status', () => {
    expect(renderRefusal(answer(409, no('NO_NODES_AVAILABLE')))).toBeNull();
    expect(renderRefusal(answer(402, no('INSUFFICIENT_CREDITS')))).toMatchObject({ code: 'provider_funds' });
    for (const body of [no('VALIDATION_ERROR'), no(7), no(null), { error: 'text' }, 'text', null, []])
      expect(creationRefusal(answer(400, body))).toBeNull();
    // Whatever it carries, a success is none.
    expect(creationRefusal(answer(200, no('NO_NODES_AVAILABLE')))).toBeNull();
  });
});

describe('logs of Render', () => {
  test.each([
    ['one text', 'a\nb', 'a\nb'],
    ['lines', ['a', 'b'], 'a\nb\n'],
    ['lines with more about them', [{ at: 1, line: 'a' }], '{"at":1,"line":"a"}\n'],
    ['nothing', null, null],
  ])('are given as %s', (_, logs, expected) => expect(parsed(runAnswer, { logs }).logs ?? null).toBe(expected));
});

describe('pages of Render', () => {
  /** A client that answers each page in its turn. */
  const bookOf = (...pages: readonly unknown[]) => {
    const left = [...pages];
    const asked: string[] = [];
    const client = {
      ask: async (call: { answer: z.ZodType; query?: Record<string, string>; operation: string }) => {
        asked.push(`${call.operation} ${call.query?.['page']} ${call.query?.['filter[status]'] ?? 'any'}`);
        return call.answer.parse(left.length > 1 ? left.shift() : left[0]);
      },
    };
    return { book: renderBook(client as unknown as ProviderClient), asked };
  };
  const NONE = { data: [], total: 0 };
  const LIVING = 'PENDING,ASSIGNED,PREPARING,RUNNING';
  const of = (...ids: readonly string[]) => ids.map((uuid) => job({ uuid }));
  const living = async (...pages: readonly unknown[]) => {
    const { book, asked } = bookOf(...pages);
    return { ids: (await book.living(context)).map(({ uuid }) => uuid), asked };
  };

  test('are read to the total, however small the server cuts them, and one on two of them counts once', async () => {
    const { ids, asked } = await living(
      NONE,
      { data: of('a', 'b'), total: 5, limit: 2 },
      { data: of('b', 'c'), total: 5, limit: 2 },
      { data: of('d'), total: 5, limit: 2 },
    );
    expect(ids).toEqual(['a', 'b', 'c', 'd']);
    expect(asked).toEqual(['jobs 1 any', ...[1, 2, 3].map((page) => `jobs ${page} ${LIVING}`)]);
  });

  test('end without a total where one is not full', async () => {
    expect(
      (await living(NONE, { data: of('a'), limit: 1 }, { data: of('b'), limit: 1 }, { data: [], limit: 1 })).ids,
    ).toEqual(['a', 'b']);
    expect((await living(NONE, { data: of('a') })).asked).toHaveLength(2);
  });

  test('end when what was to come has ended meanwhile', async () => {
    expect((await living(NONE, { data: of('a'), total: 9 }, { data: [], total: 9 })).ids).toEqual(['a']);
  });

  test('none where there should be some is no empty list', async () => {
    expect(await errorOf(living(NONE, { data: [], total: 3 }))).toMatchObject({
      code: 'provider_answer_invalid',
      message: 'render jobs: data: expected the first of 3, got none',
    });
    for (const odd of [{}, [], { data: null }, { data: [{ uuid: 'a' }] }, null])
      expect(jobsAnswer.safeParse(odd).success).toBe(false);
  });

  test('that never end are not taken for whole; of nodes the first 2,000 are', async () => {
    const { book, asked } = bookOf(NONE, { data: of('a'), total: 1_000_000 });
    expect(await errorOf(book.living(context))).toMatchObject({ code: 'provider_answer_invalid' });
    expect(asked).toHaveLength(41);
    const many = bookOf({ data: [node(1, 1)], total: 1_000_000 });
    expect(await many.book.nodes(context)).toHaveLength(40);
  });

  test('one under a status that nobody knows is seen among the newest, and the newest run counts', async () => {
    const newest = {
      data: [job({ uuid: 'x', status: 'HIBERNATING' }), job({ uuid: 'y', status: 'FAILED' })],
      total: 2,
    };
    expect((await living(newest, NONE)).ids).toEqual(['x']);
    const runs = {
      data: [
        run({ uuid: 'new' }),
        run({ uuid: 'old' }),
        run({ uuid: 'z', job_uuid: null, job_snapshot: { uuid: 'j' } }),
      ],
    };
    const byJob = await bookOf(runs).book.runs(context);
    expect([...byJob].map(([id, { uuid }]) => [id, uuid])).toEqual([
      ['3fa85f64-5717-4562-b3fc-2c963f66afa6', 'new'],
      ['j', 'z'],
    ]);
  });
});
