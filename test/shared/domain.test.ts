import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalGpu, canonicalProvider, canonicalRegion, canonicalWorkload } from '#shared/domain/aliases.ts';
import { columnsOf } from '#shared/domain/columns.ts';
import { decisionId, eventId, sha256Hex, uniformDraw } from '#shared/domain/ids.ts';
import { name, timestamp } from '#shared/domain/primitives.ts';
import {
  canonicalWorkloadOf,
  DEFAULT_WEIGHTS,
  routeRequest,
  workload as workloadSchema,
} from '#shared/domain/request.ts';
import { testCases } from '#test/support/cases.ts';
import { anyText } from '#test/support/text.ts';

const numRuns = testCases;
const anyName = fc
  .oneof(
    anyText({ maxLength: 130 }),
    fc.string({
      unit: fc.constantFrom(
        ' ',
        '_',
        '-',
        '1',
        'nvidia',
        'geforce',
        'us-west',
        'İ',
        'proto',
        'Constructor',
        'RTX',
        '4090',
      ),
    }),
  )
  .filter((text) => name.safeParse(text).success);

describe('aliases', () => {
  it.each([
    ['RTX 4090', 'rtx4090'],
    ['RTX4090', 'rtx4090'],
    ['4090', 'rtx4090'],
    ['NVIDIA GeForce RTX 4090', 'rtx4090'],
    ['NVIDIA RTX A6000', 'rtxa6000'],
    ['A6000', 'rtxa6000'],
    ['RTX 6000 Ada', 'rtx6000ada'],
    ['H100 SXM5', 'h100'],
    ['h100_nvl', 'h100nvl'],
    ['A100-SXM4-80GB', 'a100'],
    ['A100 40GB', 'a10040gb'],
    ['NVIDIA A100 80GB PCIe', 'a100'],
    ['NVIDIA A100-SXM4-40GB', 'a10040gb'],
    ['NVIDIA A100-PCIE-40GB', 'a10040gb'],
    ['NVIDIA H100 80GB HBM3', 'h100'],
    ['NVIDIA RTX 6000 Ada Generation', 'rtx6000ada'],
    ['Tesla V100-SXM2-16GB', 'v100'],
    ['Tesla T4', 't4'],
    ['MI300X', 'mi300x'],
    ['constructor ', 'unknown'],
    ['NVIDIA', 'nvidia'],
  ])('GPU %j is %j', (raw, canonical) => expect(canonicalGpu(raw)).toBe(canonical));

  it.each([
    ['vastai', 'vast'],
    ['Vast.ai', 'vast'],
    ['vast ai', 'vast'],
    ['io.net', 'ionet'],
    ['Render Network', 'render'],
    ['Akash', 'akash'],
    ['nosana', 'nosana'],
  ])('provider %j is %j', (raw, canonical) => expect(canonicalProvider(raw)).toBe(canonical));

  it.each([
    ['3d_rendering', 'rendering'],
    ['3D Rendering', 'rendering'],
    ['cloud-gaming', 'gaming'],
    ['general_compute', 'general'],
    ['Protein Folding', 'protein_folding'],
    ['-_proto_-', 'unknown'],
  ])('workload %j is %j', (raw, canonical) => expect(canonicalWorkload(raw)).toBe(canonical));

  it.each([
    ['us-west-2', 'us-west'],
    ['US West', 'us-west'],
    ['eu-central-1', 'eu-central'],
    ['any', 'global'],
    ['*', 'global'],
    ['Mars', 'mars'],
    ['  ', 'unknown'],
  ])('region %j is %j', (raw, canonical) => expect(canonicalRegion(raw)).toBe(canonical));

  it.each([
    ['GPU', canonicalGpu],
    ['provider', canonicalProvider],
    ['workload', canonicalWorkload],
    ['region', canonicalRegion],
  ])('of a %s are idempotent, and valid names for any valid name', (_, canonical) => {
    fc.assert(
      fc.property(anyName, (raw) => {
        const once = canonical(raw);
        expect(canonical(once)).toBe(once);
        expect(name.safeParse(once)).toEqual({ success: true, data: once });
      }),
      { numRuns },
    );
  });
});

describe('names', () => {
  it.each([
    '',
    'x'.repeat(129),
    'a\nb',
    '\u0000',
    '\u007f',
    '__proto__',
    'constructor',
    'prototype',
    '\ud800',
    'a\udc00b',
  ])('refuse %j', (text) => expect(name.safeParse(text).success).toBe(false));

  it('take any other language', () => {
    for (const text of ['mañana', '渲染', '🚀', 'x'.repeat(128)]) expect(name.parse(text)).toBe(text);
  });
});

describe('timestamps', () => {
  it.each([
    ['2026-01-01T00:00:00Z', '2026-01-01T00:00:00.000Z'],
    ['2026-01-01T01:30:00.123456+01:30', '2026-01-01T00:00:00.123Z'],
    ['2024-02-29T12:00:00.5-05:00', '2024-02-29T17:00:00.500Z'],
  ])('normalise %s', (given, normal) => expect(timestamp.parse(given)).toBe(normal));

  it.each([
    '2026-02-30T00:00:00Z',
    '2026-01-01T24:00:00Z',
    '2026-01-01',
    '2026-01-01T00:00:00',
    '0000-01-01T00:00:00+14:00',
    '9999-12-31T23:59:59-12:00',
    'now',
    '',
  ])('refuse %s', (text) => expect(timestamp.safeParse(text).success).toBe(false));

  it('are four-digit years in UTC or refused, never thrown out', () => {
    const digits = (width: number, max: number) =>
      fc.integer({ min: 0, max }).map((n) => String(n).padStart(width, '0'));
    const zone = fc.oneof(
      fc.constant('Z'),
      fc.tuple(fc.constantFrom('+', '-'), digits(2, 30), digits(2, 70)).map(([sign, h, m]) => `${sign}${h}:${m}`),
    );
    const parts = fc.tuple(
      digits(4, 9999),
      digits(2, 13),
      digits(2, 32),
      digits(2, 25),
      digits(2, 61),
      digits(2, 61),
      zone,
    );
    fc.assert(
      fc.property(parts, ([year, month, day, hour, minute, second, offset]) => {
        const parsed = timestamp.safeParse(`${year}-${month}-${day}T${hour}:${minute}:${second}${offset}`);
        if (parsed.success) expect(parsed.data).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
      }),
      { numRuns },
    );
  });
});

describe('a request', () => {
  const minimal = { workload_type: '3d_rendering', gpu_type: 'RTX 4090', region: 'us-west-2', gpu_hours: 2 };

  it('becomes canonical, with every default applied', () => {
    expect(canonicalWorkloadOf(routeRequest.parse(minimal))).toEqual({
      tenant_id: 'default',
      workload_type: 'rendering',
      gpu_type: 'rtx4090',
      region: 'us-west',
      gpu_hours: 2,
      gpu_count: 1,
      max_price: null,
      max_latency_ms: null,
      min_reputation: null,
      weights: DEFAULT_WEIGHTS,
      priority: 'normal',
      image: null,
      port: null,
    });
  });

  it('keeps what it says, weights one by one', () => {
    const said = {
      ...minimal,
      tenant_id: 't',
      gpu_count: 4,
      max_price: 1,
      max_latency_ms: 9,
      min_reputation: 0,
      weights: { price: 0 },
      priority: 'critical',
    };
    expect(canonicalWorkloadOf(routeRequest.parse(said))).toMatchObject({
      tenant_id: 't',
      gpu_count: 4,
      max_price: 1,
      max_latency_ms: 9,
      min_reputation: 0,
      weights: { ...DEFAULT_WEIGHTS, price: 0 },
      priority: 'critical',
    });
  });

  it('is a valid workload of an event whatever its words are', () => {
    fc.assert(
      fc.property(anyName, anyName, anyName, (workload_type, gpu_type, region) => {
        const made = canonicalWorkloadOf(routeRequest.parse({ ...minimal, workload_type, gpu_type, region }));
        expect(workloadSchema.parse(made)).toEqual(made);
      }),
      { numRuns },
    );
  });

  it.each([
    ['an unknown key', { gpus: 1 }],
    ['no hours', { gpu_hours: 0 }],
    ['hours that are no number', { gpu_hours: Number.POSITIVE_INFINITY }],
    ['half a GPU', { gpu_count: 0.5 }],
    ['a reputation above 100', { min_reputation: 101 }],
    ['a negative weight', { weights: { price: -1 } }],
    ['an unknown weight', { weights: { luck: 1 } }],
    ['another priority', { priority: 'urgent' }],
  ])('is refused with %s', (_, change) =>
    expect(routeRequest.safeParse({ ...minimal, ...change }).success).toBe(false),
  );
});

describe('ids', () => {
  it('are the same for the same parts, on every machine', () => {
    expect(decisionId('default', 'r1')).toBe('213c31cf2579d8b8d374af5ec4940868');
    expect(eventId('routing-outcome', 'd1', 2, 1)).toBe('6a4d695324a21f2b705e4a9baa5bfa69');
    expect(sha256Hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });

  it('differ when any part differs, wherever the parts are cut', () => {
    const text = fc.string({ maxLength: 6 });
    fc.assert(
      fc.property(text, text, text, text, (a, b, c, d) => {
        expect(decisionId(a, b) === decisionId(c, d)).toBe(a === c && b === d);
        expect(eventId(a, b) === eventId(c, d)).toBe(a === c && b === d);
      }),
      { numRuns },
    );
    expect(decisionId('ab', 'c')).not.toBe(decisionId('a', 'bc'));
    const all = [eventId('t', 'k'), eventId('t', 'k', 1), eventId('t', 'k', 0, 1), decisionId('t', 'k')];
    expect(new Set(all).size).toBe(all.length);
  });

  it('draw uniformly from [0, 1): mean and spread of 20,000 within 4 standard errors', () => {
    const n = 20_000;
    const draws = Array.from({ length: n }, (_, i) => uniformDraw('salt', String(i)));
    expect(draws.every((u) => u >= 0 && u < 1)).toBe(true);
    const mean = draws.reduce((sum, u) => sum + u, 0) / n;
    expect(Math.abs(mean - 0.5)).toBeLessThan(4 * Math.sqrt(1 / 12 / n));
    for (let tenth = 0; tenth < 10; tenth++) {
      const share = draws.filter((u) => Math.floor(u * 10) === tenth).length / n;
      expect(Math.abs(share - 0.1)).toBeLessThan(4 * Math.sqrt((0.1 * 0.9) / n));
    }
    expect(uniformDraw('salt', '1')).toBe(draws[1]);
    expect(uniformDraw('other', '1')).not.toBe(draws[1]);
  });
});

describe('columns', () => {
  it('are one per field: scalars as they are, everything nested as JSON', async () => {
    const { z } = await import('zod');
    const schema = z.object({
      text: z.string(),
      maybe: name.nullable(),
      choice: z.enum(['a', 'b']),
      whole: z.int(),
      real: z.number().nullable(),
      yes: z.boolean(),
      at: timestamp,
      at_last: timestamp.nullable(),
      list: z.array(z.string()),
      object: z.object({ a: z.string() }).nullable(),
      either: z.union([z.string(), z.number()]),
    });
    expect(
      columnsOf(schema).map((column) => `${column.name} ${column.type}${column.nullable ? '' : ' NOT NULL'}`),
    ).toEqual([
      'text STRING NOT NULL',
      'maybe STRING',
      'choice STRING NOT NULL',
      'whole INT64 NOT NULL',
      'real FLOAT64',
      'yes BOOL NOT NULL',
      'at TIMESTAMP NOT NULL',
      'at_last TIMESTAMP',
      'list JSON NOT NULL',
      'object JSON',
      'either JSON NOT NULL',
    ]);
  });
});
