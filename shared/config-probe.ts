import { z } from 'zod';
import { describeIssues } from './domain/events/codec.ts';
import { RejectedError } from './errors.ts';

const probe = z.strictObject({
  /** Path of its suite, in YAML. */
  suite: z.string().min(1),
  /** Of the services in the cluster. */
  namespace: z
    .string()
    .regex(/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/, 'expected a namespace')
    .default('vaultmesh'),
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

/**
 * AURORA_PROBE: the JSON itself, or `@path` of a file that holds it. What is wrong is named by its place and never quoted: the address of
 * a webhook is a key.
 * @throws RejectedError config_invalid
 */
export function parseProbe(given: string, readText: (path: string) => string): ProbeConfig {
  const path = given.startsWith('@') ? given.slice(1) : null;
  const where = path === null ? 'AURORA_PROBE' : `AURORA_PROBE=${given}`;
  const invalid = (what: string): RejectedError => new RejectedError('config_invalid', `${where}: ${what}`);
  let json: unknown;
  try {
    json = JSON.parse(path === null ? given : readText(path));
  } catch (error) {
    // The parser's own words quote the text.
    if (error instanceof SyntaxError) throw invalid('expected a JSON object, or @ and the path of a file with one');
    throw invalid(`cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
  }
  const parsed = probe.safeParse(json);
  if (parsed.success) return parsed.data;
  throw invalid(describeIssues(parsed.error.issues));
}
