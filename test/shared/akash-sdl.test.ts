import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { serviceNames } from '#shared/providers/akash/names.ts';
import { sdlOf, servicesIn } from '#shared/providers/akash/sdl.ts';
import type { DeploySpec } from '#shared/providers/provider.ts';
import { orderedIn } from '#sim/providers/akash/sdl.ts';
import { testCases } from '#test/support/cases.ts';
import { anyText } from '#test/support/text.ts';

const spec: DeploySpec = {
  gpu_type: 'a10040gb',
  region: 'us-east',
  gpu_count: 2,
  gpu_hours: 6,
  workload_type: 'llm_training',
  max_usd_per_gpu_hour: 0.9,
  image: 'registry.example/trainer:1.4',
  port: 8080,
};
const label = 'aurora-0123abcd-00112233445566778899aabbccddeeff';
const input = {
  label,
  requestId: '00112233445566778899aabbccddeeff',
  spec,
  card: { model: 'a100', ram: '40Gi' },
  maxUactPerBlock: 3_000,
};

describe('the SDL of a deployment', () => {
  test('is what Akash wants to read', () => {
    expect(parse(sdlOf(input))).toEqual({
      version: '2.0',
      services: {
        [label]: {
          image: 'registry.example/trainer:1.4',
          env: [
            'AURORA_REQUEST_ID=00112233445566778899aabbccddeeff',
            'AURORA_WORKLOAD_TYPE=llm_training',
            'AURORA_GPU_COUNT=2',
            'AURORA_GPU_HOURS=6',
            'PORT=8080',
          ],
          expose: [{ port: 8080, as: 8080, to: [{ global: true }] }],
        },
      },
      profiles: {
        compute: {
          [label]: {
            resources: {
              cpu: { units: 8 },
              memory: { size: '32Gi' },
              storage: { size: '32Gi' },
              gpu: { units: 2, attributes: { vendor: { nvidia: [{ model: 'a100', ram: '40Gi' }] } } },
            },
          },
        },
        placement: { akash: { pricing: { [label]: { denom: 'uact', amount: 3_000 } } } },
      },
      deployment: { [label]: { akash: { profile: label, count: 1 } } },
    });
  });

  test('names the memory of a card only where it tells two apart', () => {
    expect(sdlOf({ ...input, card: { model: 'h100', ram: null } })).not.toContain('ram');
  });

  test('says its version as text, and every other text so that no reader takes it for a number or a yes', () => {
    for (const image of ['yes', 'no', '1e3', '12:30', '0x10', 'null', '~', '2026-11-30']) {
      const text = sdlOf({ ...input, spec: { ...spec, image } });
      expect(text).toContain(`image: "${image}"`);
      for (const version of ['1.1', '1.2'] as const)
        expect(parse(text, { version })).toMatchObject({ version: '2.0', services: { [label]: { image } } });
    }
  });

  const words = fc.oneof(
    anyText().filter((text) => text.isWellFormed()),
    fc.string({ unit: fc.constantFrom('\n', ' ', '"', "'", ':', '#', '-', '&', '*', '!', '{', '%', '\\', 'a', '\t') }),
    fc.constantFrom(
      'x\nprofiles: {}',
      '"\n  image: evil',
      '*id',
      '&a b',
      '!!js/function x',
      '---\na: 1',
      '\u2028',
      '\u0085',
    ),
  );

  test('holds whatever words it is given, and nothing that they might mean', () => {
    fc.assert(
      fc.property(words, words, fc.stringMatching(/^[a-z0-9-]{1,30}$/), (image, workload_type, id) => {
        const name = `aurora-0123abcd-${id}`;
        const given = { ...spec, image, workload_type };
        const text = sdlOf({ ...input, label: name, requestId: id, spec: given });
        const expected = {
          ...(parse(sdlOf({ ...input, label: name, requestId: id })) as object),
          services: {
            [name]: {
              image,
              env: [
                `AURORA_REQUEST_ID=${id}`,
                `AURORA_WORKLOAD_TYPE=${workload_type}`,
                'AURORA_GPU_COUNT=2',
                'AURORA_GPU_HOURS=6',
                'PORT=8080',
              ],
              expose: [{ port: 8080, as: 8080, to: [{ global: true }] }],
            },
          },
        };
        expect(parse(text)).toEqual(expected);
        expect(parse(text, { version: '1.1' })).toEqual(expected);
        expect(servicesIn(text)).toEqual(new Map([[name, 2]]));
      }),
      // Four readings of a YAML document each.
      { numRuns: testCases / 5 },
    );
  });

  test('is read by the fake as it was meant', () => {
    expect(orderedIn(sdlOf(input))).toEqual({
      label,
      image: 'registry.example/trainer:1.4',
      env: {
        AURORA_REQUEST_ID: '00112233445566778899aabbccddeeff',
        AURORA_WORKLOAD_TYPE: 'llm_training',
        AURORA_GPU_COUNT: '2',
        AURORA_GPU_HOURS: '6',
        PORT: '8080',
      },
      port: 8080,
      as: 8080,
      gpus: 2,
      model: 'a100',
      ram: '40Gi',
      max_uact: 3_000,
    });
  });

  test.each(['', 'a: [', 'services: {}', 'version: "2.0"', sdlOf({ ...input, label: 'x'.repeat(64) })])(
    'the fake refuses what is none: %j',
    (text) => expect(() => orderedIn(text)).toThrow(RangeError),
  );
});

describe('services of an SDL that somebody else has written', () => {
  const foreign = (gpu: string) =>
    `services:\n  web: { image: x }\n  db: { image: y }\nprofiles:\n  compute:\n    web: { resources: { ${gpu} } }\n`;
  test.each<[string, Readonly<Record<string, number | null>> | null]>([
    [foreign('gpu: { units: 4 }'), { web: 4, db: null }],
    [foreign('gpu: { units: "4" }'), { web: 4, db: null }],
    [foreign('cpu: { units: 1 }'), { web: null, db: null }],
    ['', null],
    ['a: [', null],
    ['a: *nothing', null],
    ['services: [1]', null],
    [`a: &a [x,x,x]\nb: &b [*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b]\nd: [*c,*c,*c,*c]\n${foreign('cpu: 1')}`, null],
  ])('%j', (text, expected) =>
    expect(servicesIn(text)).toEqual(expected === null ? null : new Map(Object.entries(expected))),
  );

  test('any text is read or is not', () => {
    fc.assert(
      fc.property(anyText({ maxLength: 200 }), (text) => {
        servicesIn(text);
      }),
      { numRuns: testCases },
    );
  });
});

describe('names of services', () => {
  const names = serviceNames('0123abcd');

  test('of every id that this house makes', () => {
    const id = 'f'.repeat(32);
    expect(names.labelOf(id)).toBe(`aurora-0123abcd-${id}`);
    expect(names.requestIdOf(names.labelOf(id))).toBe(id);
    expect(names.labelOf('f'.repeat(47))).toHaveLength(63);
  });

  test.each(['f'.repeat(48), 'ends-with-', '', 'Capital'])('none that is no DNS label: %j', (id) =>
    expect(() => names.labelOf(id)).toThrow(expect.objectContaining({ code: 'provider_refused' })),
  );
});
