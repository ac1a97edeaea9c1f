/**
 * The Stack Definition Language: what a deployment is, as YAML. Written by a library, every text in double quotes: images and names
 * are a tenant's words, and `yes`, `1e3` or `12:30` mean other things to other readers of YAML.
 */
import { parse, stringify, YAMLError } from 'yaml';
import { z } from 'zod';
import type { DeploySpec } from '../provider.ts';
import { workloadEnv } from '../workload-env.ts';

/** A GPU as Akash names it. */
export interface Card {
  readonly model: string;
  /** "40Gi"; null: any of that model. */
  readonly ram: string | null;
}

export interface SdlInput {
  /** Name of its one service. */
  readonly label: string;
  readonly requestId: string;
  readonly spec: DeploySpec;
  readonly card: Card;
  /** What may be bid, of the whole. */
  readonly maxUactPerBlock: number;
}

/** For each GPU: little enough that whoever has the GPU free can bid. */
const CPU_UNITS_PER_GPU = 4;
const MEMORY_GI_PER_GPU = 16;
/** An image and what it writes. */
const STORAGE_GI = 32;
const PLACEMENT = 'akash';

export function sdlOf({ label, requestId, spec, card, maxUactPerBlock }: SdlInput): string {
  const { gpu_count: count, port } = spec;
  const gpu = { model: card.model, ...(card.ram === null ? {} : { ram: card.ram }) };
  return stringify(
    {
      version: '2.0',
      services: {
        [label]: {
          image: spec.image,
          env: Object.entries(workloadEnv(spec, requestId)).map(([key, value]) => `${key}=${value}`),
          // As itself: a port of the provider's host leads to it. Port 80 goes through its web server.
          expose: [{ port, as: port, to: [{ global: true }] }],
        },
      },
      profiles: {
        compute: {
          [label]: {
            resources: {
              cpu: { units: CPU_UNITS_PER_GPU * count },
              memory: { size: `${MEMORY_GI_PER_GPU * count}Gi` },
              storage: { size: `${STORAGE_GI}Gi` },
              gpu: { units: count, attributes: { vendor: { nvidia: [gpu] } } },
            },
          },
        },
        placement: { [PLACEMENT]: { pricing: { [label]: { denom: 'uact', amount: maxUactPerBlock } } } },
      },
      deployment: { [label]: { [PLACEMENT]: { profile: label, count: 1 } } },
    },
    { defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN', lineWidth: 0, aliasDuplicateObjects: false },
  );
}

const written = z.object({
  services: z.record(z.string(), z.unknown()),
  profiles: z.object({
    compute: z.record(
      z.string(),
      z.object({ resources: z.object({ gpu: z.object({ units: z.coerce.number().int() }).optional() }) }),
    ),
  }),
});

/** Service -> GPUs, of any SDL; null: it cannot be read. */
export function servicesIn(sdl: string): ReadonlyMap<string, number | null> | null {
  let value: unknown;
  try {
    // Its writer may be anybody: no more aliases than a person would use.
    value = parse(sdl, { maxAliasCount: 10, logLevel: 'error' });
  } catch (error) {
    if (error instanceof YAMLError || error instanceof ReferenceError) return null;
    throw error;
  }
  const parsed = written.safeParse(value);
  if (!parsed.success) return null;
  const { services, profiles } = parsed.data;
  return new Map(Object.keys(services).map((name) => [name, profiles.compute[name]?.resources.gpu?.units ?? null]));
}
