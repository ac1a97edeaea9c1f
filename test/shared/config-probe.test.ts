/** AURORA_PROBE: what it takes, and what it refuses, without a word of a secret. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseConfig } from '#shared/config.ts';
import { RejectedError } from '#shared/errors.ts';
import { CHECK_KINDS } from '#shared/probes/checks/index.ts';
import { parseSuite } from '#shared/probes/suite.ts';

const ROOT = join(import.meta.dirname, '../..');
const HOOK = 'https://hooks.example/key-of-nobody-0123456789';
const read = (value: unknown) =>
  parseConfig({ AURORA_PROBE: typeof value === 'string' ? value : JSON.stringify(value) }, () => {
    throw Object.assign(new Error('none'), { code: 'ENOENT' });
  }).probe;

describe('what probe looks at', () => {
  test('one suite, and nobody told', () => {
    expect(read({ suites: ['a.yaml'] })).toEqual({ suites: ['a.yaml'], variables: {}, cluster: null, webhook: null });
  });

  test('several, what they are filled in with, a cluster, whom it tells', () => {
    const given = {
      suites: ['a.yaml', 'b.yaml'],
      variables: { namespace: 'x', 'psi-field': 'https://x.example' },
      cluster: { endpoint: 'gke-1.gke.goog' },
      webhook: { url: HOOK },
    };
    expect(read(given)).toEqual({
      ...given,
      cluster: { ...given.cluster, ca: null },
      webhook: { url: HOOK, format: 'generic' },
    });
  });

  const suites = ['a.yaml'];
  test.each<[string, unknown, string]>([
    ['no JSON', HOOK, 'AURORA_PROBE: expected a JSON object, or @ and the path of a file with one'],
    ['a file that is not there', '@none', 'AURORA_PROBE=@none: cannot be read (ENOENT)'],
    ['nothing', {}, 'AURORA_PROBE: suites: Invalid input: expected array, received undefined'],
    ['no suite', { suites: [] }, 'AURORA_PROBE: suites: Too small: expected array to have >=1 items'],
    [
      'a suite without a name',
      { suites: [''] },
      'AURORA_PROBE: suites.0: Too small: expected string to have >=1 characters',
    ],
    [
      'more than anybody runs',
      { suites: Array(9).fill('a') },
      'AURORA_PROBE: suites: Too big: expected array to have <=8 items',
    ],
    ['one suite as it was once said', { suites, suite: HOOK }, 'AURORA_PROBE: (root): Unrecognized key: "suite"'],
    [
      'a variable that is no text',
      { suites, variables: { port: 443 } },
      'AURORA_PROBE: variables.port: Invalid input: expected string, received number',
    ],
    [
      'a cluster without an endpoint',
      { suites, cluster: {} },
      'AURORA_PROBE: cluster.endpoint: Invalid input: expected string, received undefined',
    ],
    [
      'a cluster by another word',
      { suites, cluster: { endpoint: 'x', name: 'x' } },
      'AURORA_PROBE: cluster: Unrecognized key: "name"',
    ],
    [
      'a webhook that is none',
      { suites, webhook: { url: 'key-of-nobody-0123456789' } },
      'AURORA_PROBE: webhook.url: expected a URL of http or https',
    ],
    [
      'a webhook of another kind',
      { suites, webhook: { url: HOOK, format: 'pager' } },
      'AURORA_PROBE: webhook.format: Invalid option: expected one of "generic"|"slack"',
    ],
  ])('not %s', (_, value, message) => {
    const parse = (): unknown => read(value);
    expect(parse).toThrow(RejectedError);
    expect(parse).toThrow(expect.objectContaining({ code: 'config_invalid', message }));
    expect(message).not.toContain('key-of-nobody');
  });
});

test('the walk of terraform/README.md writes one, with a value for all that its suites ask for', () => {
  const readme = readFileSync(join(ROOT, 'terraform/README.md'), 'utf8');
  const [, example = ''] = /cat > probe\.json <<END\n(.*?)\nEND\n/s.exec(readme) ?? [];
  const probe = read(example.replaceAll('$SERVICES', '123456789012.europe-west1.run.app'));
  expect(probe?.suites).toEqual(['suites/production.yaml', 'suites/loop.yaml']);
  for (const file of probe?.suites ?? []) {
    const text = readFileSync(join(ROOT, 'shared/probes', file), 'utf8');
    parseSuite(text, file, {
      kinds: CHECK_KINDS,
      variables: { namespace: 'vaultmesh', ...probe?.variables },
      loopback: false,
    });
  }
});
