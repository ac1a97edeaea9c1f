import { describe, expect, test } from 'vitest';
import { parseKubeconfig } from '#cli/smoke/kubeconfig.ts';
import { base64, CLUSTER, config, type Parts, PEM, PLUGIN, parsed, thrownBy } from './a-kubeconfig.ts';

const WELL = {
  context: 'gke',
  namespace: null,
  server: 'https://34.66.0.1',
  serverName: null,
  authorities: { text: PEM },
  verified: true,
  credential: { by: 'token', token: { text: 'secret-token' } },
  client: null,
  warnings: [],
  places: { cluster: 'config: clusters[c].cluster', user: 'config: users[u].user' },
};

describe('a kubeconfig', () => {
  test.each<[string, Parts, object]>([
    ['with a token', {}, {}],
    ['with a namespace', { context: { namespace: 'vaultmesh' } }, { namespace: 'vaultmesh' }],
    [
      'with a file of a token, which wins',
      { user: { token: 'x', tokenFile: 'token' } },
      { credential: { by: 'token', token: { file: 'token' } } },
    ],
    [
      'with a plugin',
      { user: { exec: { ...PLUGIN, args: ['--x'], env: [{ name: 'A', value: 'b' }] } } },
      {
        credential: {
          by: 'exec',
          plugin: {
            command: PLUGIN.command,
            args: ['--x'],
            env: { A: 'b' },
            apiVersion: PLUGIN.apiVersion,
            installHint: PLUGIN.installHint,
          },
        },
      },
    ],
    [
      'with a plugin and nothing else to say, as gcloud writes it',
      { user: { exec: { ...PLUGIN, installHint: null, args: null, env: null } } },
      {
        credential: {
          by: 'exec',
          plugin: { command: PLUGIN.command, args: [], env: {}, apiVersion: PLUGIN.apiVersion, installHint: null },
        },
      },
    ],
    [
      'with a certificate',
      { user: { 'client-certificate-data': base64(PEM), 'client-key': 'key.pem' } },
      { credential: { by: 'certificate' }, client: { cert: { text: PEM }, key: { file: 'key.pem' } } },
    ],
    [
      'without a user',
      { context: { user: '' } },
      { credential: { by: 'nothing' }, places: { ...WELL.places, user: 'config: users[].user' } },
    ],
    [
      'with a file of the authority, and another name in the certificate',
      {
        cluster: {
          server: 'https://10.0.0.1:6443/',
          'certificate-authority': 'ca.pem',
          'tls-server-name': 'kubernetes',
        },
      },
      { server: 'https://10.0.0.1:6443', authorities: { file: 'ca.pem' }, serverName: 'kubernetes' },
    ],
    [
      'that believes whoever answers, and says so',
      { cluster: { server: 'https://10.0.0.1', 'insecure-skip-tls-verify': true } },
      {
        server: 'https://10.0.0.1',
        authorities: null,
        verified: false,
        warnings: [
          'config: clusters[c].cluster.insecure-skip-tls-verify: whoever answers at https://10.0.0.1 is believed',
        ],
      },
    ],
  ])('%s', (_, parts, expected) => {
    expect(parsed(parts)).toEqual({ ...WELL, ...expected });
  });

  test('has several contexts, of which one is chosen', () => {
    const top = {
      contexts: [
        { name: 'gke', context: { cluster: 'gone', user: 'gone' } },
        { name: 'dev', context: { cluster: 'c', user: 'u' } },
      ],
    };
    expect(parsed({ top }, 'dev')).toEqual({ ...WELL, context: 'dev' });
    expect(thrownBy(() => parsed({ top })).message).toBe('config: clusters: there is no "gone"; known: other, c');
  });

  test('is JSON too', () => {
    const text = JSON.stringify({
      'current-context': 'x',
      contexts: [{ name: 'x', context: { cluster: 'c' } }],
      clusters: [{ name: 'c', cluster: { server: 'https://a.example' } }],
    });
    expect(parseKubeconfig(text, 'config', null)).toMatchObject({ server: 'https://a.example' });
  });

  test.each<[string, string | Parts, string]>([
    ['no YAML', 'token: [secret-token', 'config: expected YAML: BAD_INDENT at line 1, column 21'],
    [
      'no YAML, of which its parser quotes',
      'a: b\n]secret-token',
      'config: expected YAML: UNEXPECTED_TOKEN at line 2, column 1',
    ],
    ['too many aliases', `a: &a [x]\nb: [${'*a, '.repeat(99)}]`, 'config: expected YAML: it cannot be read'],
    ['a text', 'secret-token', 'config: Invalid input: expected object, received string'],
    ['nothing', '', 'config: Invalid input: expected object, received null'],
    [
      'no list',
      { top: { users: { u: 'secret-token' } } },
      'config: users: Invalid input: expected array, received object',
    ],
    ['no current context', { top: { 'current-context': '' } }, 'config: current-context: it names none; say which'],
    [
      'a context that is not there',
      { top: { 'current-context': 'x' } },
      'config: contexts: there is no "x"; known: gke',
    ],
    ['no contexts', { top: { contexts: null } }, 'config: contexts: there is no "gke"; known: none'],
    [
      'a cluster that is not there',
      { context: { cluster: 'x' } },
      'config: clusters: there is no "x"; known: other, c',
    ],
    ['a user that is not there', { context: { user: 'x' } }, 'config: users: there is no "x"; known: u'],
    ['an empty user', { user: null }, 'config: users[u].user: Invalid input: expected object, received undefined'],
    [
      'no server',
      { cluster: {} },
      'config: clusters[c].cluster: server: Invalid input: expected string, received undefined',
    ],
    [
      'a server in the clear',
      { cluster: { server: 'http://34.66.0.1' } },
      'config: clusters[c].cluster.server: expected a URL of https (http on this machine only) without user and query, got "http://34.66.0.1/"',
    ],
    [
      'an authority that is none',
      { cluster: { ...CLUSTER, 'certificate-authority-data': 'AAAA' } },
      'config: clusters[c].cluster.certificate-authority-data: expected base64 of PEM',
    ],
    [
      'half a certificate',
      { user: { 'client-certificate-data': base64(PEM) } },
      'config: users[u].user: expected client-certificate and client-key together, client-key is missing',
    ],
    [
      'the other half',
      { user: { 'client-key': 'x' } },
      'config: users[u].user: expected client-certificate and client-key together, client-certificate is missing',
    ],
    [
      'a plugin of another age',
      { user: { exec: { ...PLUGIN, apiVersion: 'client.authentication.k8s.io/v1alpha1' } } },
      'config: users[u].user: exec.apiVersion: Invalid string: must match pattern /^client\\.authentication\\.k8s\\.io\\/v1(beta1)?$/',
    ],
    ...(
      [
        ['proxy-url', 'cluster', 'http://proxy'],
        ['username', 'user', 'me'],
        ['as', 'user', 'somebody'],
        ['auth-provider', 'user', { name: 'gcp' }],
      ] as const
    ).map(([key, of, value]): [string, Parts, string] => [
      key,
      of === 'cluster' ? { cluster: { ...CLUSTER, [key]: value } } : { user: { token: 'x', [key]: value } },
      `config: ${of}s[${of.slice(0, 1)}].${of}.${key} is not supported here: use a token, a certificate or an exec plugin, without a proxy`,
    ]),
  ])('cannot be used with %s', (_, given, message) => {
    const text = typeof given === 'string' ? given : config(given);
    const error = thrownBy(() => parseKubeconfig(text, 'config', null));
    expect(error).toMatchObject({ code: 'config_invalid', message });
    expect(error.message).not.toContain('secret-token');
  });
});
