import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { AuroraError } from '#shared/errors.ts';
import { defineCheck, pass } from '#shared/probes/check.ts';
import { parseSuite, type Suite } from '#shared/probes/suite.ts';

const looks = defineCheck({
  kind: 'looks',
  on: 'url',
  spec: z.strictObject({ path: z.string().startsWith('/').default('/') }),
  observe: async ({ path }, { url }) => ({ url: `${url}${path}` }),
  judge: (_spec, { url }) => pass({ url }),
});
const nodes = defineCheck({
  kind: 'nodes',
  on: 'kubernetes',
  spec: z.strictObject({ at_least: z.int().min(0).default(1) }),
  observe: async () => null,
  judge: () => pass({}),
});

const parse = (text: string, loopback = true): Suite =>
  parseSuite(text, 'my.yaml', { kinds: { looks, nodes }, variables: { router: 'http://127.0.0.1:8081' }, loopback });

const HEAD = `suite: mine
period_s: 60
deadline_s: 20
targets:
  router: { url: "\${router}/" }
  cluster: { kubernetes: { namespace: vaultmesh } }
`;
const messageOf = (text: string): string => {
  try {
    parse(text);
  } catch (error) {
    if (error instanceof AuroraError) {
      expect(error.code).toBe('suite_invalid');
      return error.message;
    }
    throw error;
  }
  return 'accepted';
};

test('a suite says what it does not say by defaults', () => {
  const suite = parse(`${HEAD}checks:
  - { id: b, kind: looks, target: router, category: services, needs: [a], path: /health, deadline_s: 3 }
  - { id: a, kind: nodes, target: cluster, category: cluster, severity: warning }
`);
  expect(suite).toMatchObject({ id: 'mine', periodMs: 60_000, deadlineMs: 20_000, concurrency: 32, maintenance: [] });
  expect(suite.checks.map(({ id }) => id)).toEqual(['a', 'b']);
  expect(suite.checks[0]).toMatchObject({
    severity: 'warning',
    deadlineMs: 10_000,
    confirm: { times: 2, pauseMs: 1_000 },
    alert: { failures: 3, of: 5, clear: 3 },
  });
  expect(suite.checks[1]).toMatchObject({ severity: 'critical', deadlineMs: 3_000, needs: ['a'] });
});

describe('a suite that is wrong names the place', () => {
  const checks = (...lines: string[]): string => `${HEAD}checks:\n${lines.map((line) => `  - ${line}\n`).join('')}`;
  const targets = (one: string): string =>
    `suite: mine\nperiod_s: 60\ndeadline_s: 20\ntargets: { r: ${one} }\nchecks: [{ id: a, kind: looks, target: r, category: x }]`;
  const fine = '{ id: a, kind: looks, target: router, category: services }';
  test.each([
    ['no YAML', '{', /^my\.yaml: expected YAML: /],
    ['a tag that nobody knows', 'suite: !secret mine', /^my\.yaml: expected YAML: Unresolved tag: !secret/],
    [
      'an alias of what it stands in',
      checks('{ id: a, kind: looks, target: router, category: x, path: &it [*it] }'),
      'my.yaml: checks[0] (a): expected at most 32 levels, one in the other',
    ],
    [
      'a URL with a query, of which paths would be a part',
      targets('{ url: "https://x.example/?a=" }'),
      'my.yaml: targets.r: expected a URL without a query and a fragment, got one behind "https://x.example/"',
    ],
    [
      'a URL with a fragment',
      targets('{ url: "https://x.example#" }'),
      'my.yaml: targets.r: expected a URL without a query and a fragment, got one behind "https://x.example"',
    ],
    ['no mapping', '- 1', 'my.yaml: the suite: Invalid input: expected object, received array'],
    ['an unknown key', `${HEAD}check: []\nchecks: [${fine}]`, 'my.yaml: "check" is not known here'],
    [
      'an unknown key of a check',
      checks('{ id: a, kind: looks, target: router, category: services, pth: / }'),
      'my.yaml: checks[0] (a): "pth" is not known here',
    ],
    [
      'a wrong value of a check',
      checks('{ id: a, kind: looks, target: router, category: services, path: x }'),
      'my.yaml: checks[0] (a).path: Invalid string: must start with "/"',
    ],
    [
      'an unknown kind',
      checks('{ id: a, kind: loks, target: router, category: services }'),
      'my.yaml: checks[0] (a).kind: expected one of looks, nodes, got "loks"',
    ],
    [
      'a kind that every object has',
      checks('{ id: a, kind: toString, target: router, category: services }'),
      'my.yaml: checks[0] (a).kind: expected one of looks, nodes, got "toString"',
    ],
    [
      'an unknown target',
      checks('{ id: a, kind: looks, target: ruter, category: services }'),
      'my.yaml: checks[0] (a).target: expected one of router, cluster, got "ruter"',
    ],
    [
      'a target of another kind',
      checks('{ id: a, kind: looks, target: cluster, category: services }'),
      'my.yaml: checks[0] (a).target: looks looks at a target of kind url, cluster is one of kind kubernetes',
    ],
    [
      'an id that is none',
      checks('{ id: A b, kind: looks, target: router, category: services }'),
      'my.yaml: checks[0].id: expected lower case letters, digits and dashes',
    ],
    ['an id twice', checks(fine, fine), 'my.yaml: checks[1].id: "a" is there twice'],
    [
      'a need that is not there',
      checks('{ id: a, kind: looks, target: router, category: services, needs: [z] }'),
      'my.yaml: checks[0] (a).needs: there is no check "z"',
    ],
    [
      'a circle',
      checks(
        '{ id: a, kind: looks, target: router, category: x, needs: [b] }',
        '{ id: b, kind: looks, target: router, category: x, needs: [a] }',
        '{ id: c, kind: looks, target: router, category: x }',
      ),
      'my.yaml: checks: these need one another in a circle: a, b',
    ],
    [
      'a rule that cannot fire',
      `${HEAD}alert: { failures: 6, of: 5, clear: 1 }\nchecks: [${fine}]`,
      'my.yaml: alert: expected failures <= of',
    ],
    [
      'maintenance of nothing',
      `${HEAD}maintenance: [{ from: "2026-01-01T00:00:00Z", until: "2026-01-02T00:00:00Z", checks: [z], reason: x }]\nchecks: [${fine}]`,
      'my.yaml: maintenance[0].checks: there is no check "z"',
    ],
    [
      'maintenance that ends before it begins',
      `${HEAD}maintenance: [{ from: "2026-01-02T00:00:00Z", until: "2026-01-01T00:00:00Z", reason: x }]\nchecks: [${fine}]`,
      'my.yaml: maintenance[0].until: expected an instant after 2026-01-02T00:00:00.000Z, got 2026-01-01T00:00:00.000Z',
    ],
    ['no checks', `${HEAD}checks: []`, 'my.yaml: checks: Too small: expected array to have >=1 items'],
    [
      'a variable that is not known',
      `suite: mine\nperiod_s: 60\ndeadline_s: 20\ntargets: { r: { url: "\${ruter}" } }\nchecks: [{ id: a, kind: looks, target: r, category: x }]`,
      `my.yaml: targets.r: \${ruter} is not known here; known: router`,
    ],
    [
      'a variable of a check that is not known',
      checks(`{ id: a, kind: looks, target: router, category: services, path: "/\${ruter}" }`),
      `my.yaml: checks[0] (a): \${ruter} is not known here; known: router`,
    ],
    [
      'a target of no kind',
      `suite: mine\nperiod_s: 60\ndeadline_s: 20\ntargets: { r: { uri: "http://x" } }\nchecks: [{ id: a, kind: looks, target: r, category: x }]`,
      'my.yaml: targets.r: Invalid input',
    ],
    [
      'a URL with a user in it',
      targets('{ url: "https://me:secret@x.example" }'),
      'my.yaml: targets.r: expected a URL of http or https without a user, got "https://x.example with a user"',
    ],
    ['a host that is none', targets('{ host: "a b" }'), 'my.yaml: targets.r: expected a host, got "a b"'],
    [
      'a port that is none',
      targets('{ host: a.example, port: 70000 }'),
      'my.yaml: targets.r: expected a port, got 70000',
    ],
    [
      'a namespace that is none',
      targets('{ kubernetes: { namespace: "../x" } }'),
      'my.yaml: targets.r: expected a namespace, got "../x"',
    ],
    [
      'more looks than it may take',
      checks('{ id: a, kind: looks, target: router, category: x, confirm: { times: 6, pause_ms: 1 } }'),
      'my.yaml: checks[0].confirm.times: Too big: expected number to be <=5',
    ],
    [
      'no period',
      `suite: mine\ndeadline_s: 20\ntargets: {}\nchecks: [${fine}]`,
      'my.yaml: period_s: Invalid input: expected number, received undefined',
    ],
    [
      'a severity that is none',
      checks('{ id: a, kind: looks, target: router, category: x, severity: low }'),
      'my.yaml: checks[0].severity: Invalid option: expected one of "critical"|"warning"',
    ],
    ['more than is read', `# ${'x'.repeat(300_000)}`, 'my.yaml: expected at most 262144 bytes'],
    [
      'a token that would be sent for all to read',
      targets('{ url: "http://x.example", id_token: true }'),
      'my.yaml: targets.r: expected a URL of https for id_token (http on this machine only, where that may be looked at), got "http://x.example"',
    ],
    [
      'a token of another kind than yes or no',
      targets('{ url: "https://x.example", id_token: "https://y.example" }'),
      'my.yaml: targets.r: Invalid input',
    ],
    [
      'a token for what shows none',
      targets('{ host: x.example, id_token: true }'),
      'my.yaml: targets.r: "id_token" is not known here',
    ],
    [
      'a URL that is none',
      `suite: mine\nperiod_s: 60\ndeadline_s: 20\ntargets: { r: { url: "file:///etc/passwd" } }\nchecks: [{ id: a, kind: looks, target: r, category: x }]`,
      'my.yaml: targets.r: expected a URL of http or https without a user, got "file:///etc/passwd"',
    ],
  ])('%s', (_, text, expected) => {
    const message = messageOf(text);
    if (typeof expected === 'string') expect(message).toBe(expected);
    else expect(message).toMatch(expected);
  });
});

test.each([
  ['https://x.example', true, true],
  ['https://x.example', false, true],
  ['http://127.0.0.1:8081', true, true],
  ['http://127.0.0.1:8081', false, false],
  ['http://localhost:8081', false, false],
])('a token for %s, this machine allowed: %s; taken: %s', (url, loopback, taken) => {
  const text = `suite: mine\nperiod_s: 60\ndeadline_s: 20\ntargets: { r: { url: "${url}", id_token: true } }\nchecks: [{ id: a, kind: looks, target: r, category: x }]`;
  if (taken) expect(parse(text, loopback).checks).toHaveLength(1);
  else expect(() => parse(text, loopback)).toThrow(/expected a URL of https for id_token/);
});
