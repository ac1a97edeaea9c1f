import { parse } from 'yaml';
import { z } from 'zod';

/** What an SDL orders, as far as the fake sells it: one service, on GPUs of one model. */
export interface Ordered {
  readonly label: string;
  readonly image: string;
  readonly env: Readonly<Record<string, string>>;
  readonly port: number;
  /** 80: behind the provider's web server. */
  readonly as: number;
  readonly gpus: number;
  readonly model: string;
  readonly ram: string | null;
  /** Per block, of the whole. */
  readonly max_uact: number;
}

const one = <T>(schema: z.ZodType<T>) =>
  z.record(z.string(), schema).refine((all) => Object.keys(all).length === 1, 'expected one entry');
const size = z.object({ size: z.string().regex(/^\d+(\.\d+)?[KMGT]i$/) });

const sdl = z.strictObject({
  version: z.literal('2.0'),
  services: one(
    z.strictObject({
      image: z.string().min(1),
      env: z.array(z.string().regex(/^[A-Z_]+=/)).default([]),
      expose: z.array(
        z.strictObject({ port: z.int(), as: z.int(), to: z.array(z.strictObject({ global: z.literal(true) })) }),
      ),
    }),
  ),
  profiles: z.strictObject({
    compute: one(
      z.strictObject({
        resources: z.strictObject({
          cpu: z.object({ units: z.number().gt(0) }),
          memory: size,
          storage: size,
          gpu: z.object({
            units: z.int().min(1),
            attributes: z.object({
              vendor: z.strictObject({
                nvidia: z.array(z.strictObject({ model: z.string(), ram: z.string().optional() })).length(1),
              }),
            }),
          }),
        }),
      }),
    ),
    placement: one(
      z.strictObject({ pricing: one(z.strictObject({ denom: z.literal('uact'), amount: z.number().gt(0) })) }),
    ),
  }),
  deployment: one(one(z.strictObject({ profile: z.string(), count: z.literal(1) }))),
});

/** Kubernetes takes no other name for a service. */
const DNS_LABEL = /^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** @throws RangeError: it is no SDL, or none that is sold here */
export function orderedIn(text: string): Ordered {
  let value: unknown;
  try {
    value = parse(text);
  } catch (error) {
    throw new RangeError(`Invalid SDL: ${String(error)}`);
  }
  const parsed = sdl.safeParse(value);
  if (!parsed.success) throw new RangeError(`Invalid SDL: ${parsed.error.message}`);
  const { services, profiles, deployment } = parsed.data;
  const [[label, service] = ['', null]] = Object.entries(services);
  const [[placement, { pricing }] = ['', { pricing: {} }]] = Object.entries(profiles.placement);
  const resources = profiles.compute[label]?.resources;
  const price = pricing[label];
  const [card] = resources?.gpu.attributes.vendor.nvidia ?? [];
  const [expose] = service?.expose ?? [];
  if (service === null || resources === undefined || card === undefined || price === undefined || expose === undefined)
    throw new RangeError(`Invalid SDL: ${label} lacks a profile, a card, a price or a port`);
  if (!DNS_LABEL.test(label) || deployment[label]?.[placement]?.profile !== label)
    throw new RangeError(`Invalid SDL: ${label} names no service that could be deployed`);
  return {
    label,
    image: service.image,
    env: Object.fromEntries(service.env.map((entry) => entry.split(/=(.*)/s, 2) as [string, string])),
    port: expose.port,
    as: expose.as,
    gpus: resources.gpu.units,
    model: card.model,
    ram: card.ram ?? null,
    max_uact: price.amount,
  };
}
