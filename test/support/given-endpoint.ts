/** Where the contract suites of the cloud's adapters run instead of on our fakes, when the environment says so. */

export interface GivenEndpoint {
  /** As it was given. */
  readonly title: string;
  /** Origin of the API; null: Google's own, with the ambient identity. */
  readonly endpoint: string | null;
  readonly projectId: string;
  readonly location: string;
}

/** Null: nothing is given. Says so in one line when it is. */
export function givenEndpoint(suite: string, variable: string): GivenEndpoint | null {
  const title = process.env[variable];
  if (title === undefined || title === '') return null;
  process.stderr.write(`${suite}: against ${title} (${variable}), not the fake\n`);
  return {
    title,
    endpoint: /^https:\/\/[\w.-]+\.googleapis\.com\/?$/.test(title) ? null : title.replace(/\/+$/, ''),
    projectId: process.env['AURORA_TEST_PROJECT'] ?? 'aurora-test',
    location: process.env['AURORA_TEST_LOCATION'] ?? 'EU',
  };
}
