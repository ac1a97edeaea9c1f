import { z } from 'zod';
import { parseJsonSetting } from './config-json.ts';

const probe = z.strictObject({
  /** Paths of suites, in YAML: each is run by its own period. */
  suites: z.array(z.string().min(1)).min(1).max(8),
  /** For `${name}` in them, beside those that every installation has: URLs of services. */
  variables: z.record(z.string().min(1).max(64), z.string().max(2_048)).default({}),
  /** Null: no cluster is looked at. */
  cluster: z
    .strictObject({
      /** DNS name or address of its control plane. */
      endpoint: z.string().min(1),
      /** PEM, or base64 of it; null: the endpoint's certificate is public. */
      ca: z.string().min(1).nullable().default(null),
    })
    .nullable()
    .default(null),
  /** Who is told; null: nobody. The address is a secret. */
  webhook: z
    .strictObject({
      url: z.url({ protocol: /^https?$/, error: 'expected a URL of http or https' }),
      format: z.enum(['generic', 'slack']).default('generic'),
    })
    .nullable()
    .default(null),
});
/** What the function probe looks at, and whom it tells. */
export type ProbeConfig = z.infer<typeof probe>;

const SETTING = { variable: 'AURORA_PROBE', schema: probe, what: 'a JSON object' };

/** @throws RejectedError config_invalid */
export const parseProbe = (given: string, readText: (path: string) => string): ProbeConfig =>
  parseJsonSetting(SETTING, given, readText);
