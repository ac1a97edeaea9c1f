import { describeIssues } from './domain/events/codec.ts';
import { type Tenant, tenants } from './domain/tenant.ts';
import { RejectedError } from './errors.ts';

/**
 * AURORA_TENANTS: the JSON itself, or `@path` of a file that holds it. What is wrong is named by its place and never quoted: somebody may
 * have written a key where its hash belongs.
 * @throws RejectedError config_invalid
 */
export function parseTenants(given: string, readText: (path: string) => string): readonly Tenant[] {
  const path = given.startsWith('@') ? given.slice(1) : null;
  const where = path === null ? 'AURORA_TENANTS' : `AURORA_TENANTS=${given}`;
  const invalid = (what: string): RejectedError => new RejectedError('config_invalid', `${where}: ${what}`);
  let text = given;
  if (path !== null) {
    try {
      text = readText(path);
    } catch (error) {
      throw invalid(`cannot be read (${(error as NodeJS.ErrnoException).code ?? 'unknown'})`);
    }
  }
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    // The parser's own words quote the text.
    if (!(error instanceof SyntaxError)) throw error;
    throw invalid('expected a JSON list of tenants, or @ and the path of a file with one');
  }
  const parsed = tenants.safeParse(json);
  if (parsed.success) return parsed.data;
  throw invalid(describeIssues(parsed.error.issues));
}
