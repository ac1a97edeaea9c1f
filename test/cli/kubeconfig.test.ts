import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rootCertificates } from 'node:tls';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { stringify } from 'yaml';
import { type KubeconfigEntry, parseKubeconfig } from '#cli/smoke/kubeconfig.ts';
import { kubeconfigAccess } from '#cli/smoke/kubeconfig-access.ts';
import { hostClock } from '#shared/adapters/clock/host.ts';
import type { RejectedError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import { fakeClock } from '#test/support/clock.ts';

const [PEM = ''] = rootCertificates;
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const KEY = '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n';

type Fields = Readonly<Record<string, unknown>>;
interface Parts {
  readonly cluster?: Fields;
  readonly user?: Fields | null;
  readonly context?: Fields;
  readonly top?: Fields;
}
const CLUSTER = { server: 'https://34.66.0.1', 'certificate-authority-data': base64(PEM) };
const config = ({ cluster = CLUSTER, user = { token: 'secret-token' }, context = {}, top = {} }: Parts = {}): string =>
  stringify({
    apiVersion: 'v1',
    kind: 'Config',
    preferences: {},
    'current-context': 'gke',
    clusters: [
      { name: 'other', cluster: { server: 7 } },
      { name: 'c', cluster },
    ],
    contexts: [{ name: 'gke', context: { cluster: 'c', user: 'u', ...context } }],
    users: [{ name: 'u', ...(user === null ? {} : { user }) }],
    ...top,
  });
const parsed = (parts?: Parts, wanted: string | null = null): KubeconfigEntry =>
  parseKubeconfig(config(parts), 'config', wanted);
const thrownBy = (run: () => unknown): RejectedError => {
  try {
    run();
  } catch (error) {
    return error as RejectedError;
  }
  throw new Error('expected an error');
};

const PLUGIN = {
  apiVersion: 'client.authentication.k8s.io/v1beta1',
  command: 'gke-gcloud-auth-plugin',
  installHint: 'Install gke-gcloud-auth-plugin',
  provideClusterInfo: true,
};
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

describe('the way in that it says', () => {
  const folder = mkdtempSync(join(tmpdir(), 'aurora-kubeconfig-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const put = (name: string, text: string, mode = 0o600): void => writeFileSync(join(folder, name), text, { mode });
  const open = (parts: Parts, clock: HostClock = hostClock) =>
    kubeconfigAccess({
      entry: parsed(parts),
      path: join(folder, 'config'),
      hostClock: clock,
      env: { PATH: process.env['PATH'], KEPT: 'kept' },
    });
  const plugin = (name: string, script: string): Fields => {
    put(name, `#!/bin/sh\n${script}\n`, 0o700);
    return { exec: { ...PLUGIN, command: `./${name}` } };
  };

  test('has the files beside it, and a token that is read anew each time', async () => {
    put('ca.pem', PEM);
    put('cert.pem', PEM);
    put('token', 'first\n');
    const access = open({
      cluster: { server: 'https://10.0.0.1', 'certificate-authority': 'ca.pem' },
      user: { tokenFile: 'token', 'client-certificate': join(folder, 'cert.pem'), 'client-key-data': base64(KEY) },
    });
    expect(access).toMatchObject({ caPem: PEM, client: { certPem: PEM, keyPem: KEY }, verified: true });
    expect(await access.token?.()).toBe('first');
    put('token', 'second\n');
    expect(await access.token?.()).toBe('second');
  });

  test('may need no token', () => {
    const user = { 'client-certificate-data': base64(PEM), 'client-key-data': base64(KEY) };
    expect(open({ user }).token).toBeNull();
    expect(open({ context: { user: '' } }).token).toBeNull();
  });

  test.each<[Parts, string]>([
    [
      { cluster: { ...CLUSTER, 'certificate-authority-data': undefined, 'certificate-authority': 'gone' } },
      'clusters[c].cluster.certificate-authority',
    ],
    [{ user: { 'client-certificate': 'gone', 'client-key': 'gone' } }, 'users[u].user.client-certificate'],
    [{ user: { 'client-certificate-data': base64(PEM), 'client-key': 'gone' } }, 'users[u].user.client-key'],
  ])('lacks a file %#', (parts, place) => {
    expect(thrownBy(() => open(parts))).toMatchObject({
      code: 'file_unreadable',
      message: `config: ${place}: ${join(folder, 'gone')} cannot be read (ENOENT)`,
    });
  });

  test('lacks the file of its token when it is asked for', async () => {
    await expect(open({ user: { tokenFile: 'gone' } }).token?.()).rejects.toMatchObject({
      code: 'file_unreadable',
      message: `config: users[u].user.tokenFile: ${join(folder, 'gone')} cannot be read (ENOENT)`,
    });
  });

  test('is refused by a file that is no certificate', () => {
    put('ca.pem', 'no certificate');
    expect(
      thrownBy(() => open({ cluster: { server: 'https://10.0.0.1', 'certificate-authority': 'ca.pem' } })).message,
    ).toBe('config: clusters[c].cluster.certificate-authority: expected a certificate in PEM, or base64 of it');
  });

  test('runs the plugin for each token, told what is asked', async () => {
    const script = `
n=$(cat "${folder}/count" 2>/dev/null || echo 0); echo $((n + 1)) > "${folder}/count"
[ "$KUBERNETES_EXEC_INFO" = '{"apiVersion":"${PLUGIN.apiVersion}","kind":"ExecCredential","spec":{"interactive":false}}' ] || exit 3
echo '{"kind":"ExecCredential","status":{"token":"'$1-$KEPT-$OWN-$n'"}}'`;
    const { exec } = plugin('gives', script) as { exec: Fields };
    const { token } = open({ user: { exec: { ...exec, args: ['arg'], env: [{ name: 'OWN', value: 'own' }] } } });
    expect([await token?.(), await token?.()]).toEqual(['arg-kept-own-0', 'arg-kept-own-1']);
  });

  test.each([
    [
      'is not installed',
      { exec: { ...PLUGIN, command: 'aurora-no-such-plugin' } },
      'aurora-no-such-plugin is not installed: Install gke-gcloud-auth-plugin',
    ],
    [
      'is not installed, and nobody says how it is',
      { exec: { ...PLUGIN, command: 'aurora-no-such-plugin', installHint: null } },
      'aurora-no-such-plugin is not installed',
    ],
    ['fails', plugin('fails', 'echo "log in again" >&2; exit 7'), `${folder}/fails ended with 7: log in again`],
    ['fails without a word', plugin('mute', 'exit 1'), `${folder}/mute ended with 1: no word`],
    [
      'fails, and tells what it should not',
      plugin('tells', `echo "bad ya29.${'s'.repeat(60)} token" >&2; exit 1`),
      `${folder}/tells ended with 1: bad … token`,
    ],
    ['is killed', plugin('killed', 'kill -9 $$'), `${folder}/killed ended with SIGKILL: no word`],
    ['says nothing', plugin('silent', 'exit 0'), `${folder}/silent gave no ExecCredential with a token`],
    ['says something else', plugin('other', 'echo secret'), `${folder}/other gave no ExecCredential with a token`],
    [
      'gives a certificate instead',
      plugin('cert', `echo '{"kind":"ExecCredential","status":{"clientCertificateData":"secret"}}'`),
      `${folder}/cert gave no ExecCredential with a token`,
    ],
    ['never stops', plugin('endless', 'yes'), `${folder}/endless said more than 262144 bytes`],
  ])('has a plugin that %s', async (_, user, message) => {
    const error = await open({ user })
      .token?.()
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'cluster_unauthorized', message: `config: users[u].user.exec: ${message}` });
  });

  test('has a plugin that hangs with what it has started, and nothing waits for that', async () => {
    const clock = fakeClock();
    const pipes = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'PipeWrap').length;
    const user = plugin('leaves', `sleep 600 & echo $! > "${folder}/left"; wait`);
    const asked = open({ user }, clock)
      .token?.()
      .catch((error: unknown) => error);
    const left = (): number =>
      existsSync(join(folder, 'left')) ? Number(readFileSync(join(folder, 'left'), 'utf8')) : 0;
    await vi.waitUntil(() => left() > 0);
    onTestFinished(() => void process.kill(left(), 'SIGKILL'));
    const during = pipes();
    await clock.advance(20_000);
    expect(await asked).toMatchObject({ message: expect.stringContaining('said nothing within 20 s') });
    // What it said, and what it complained.
    await expect.poll(pipes).toBeLessThanOrEqual(during - 2);
  });

  test('has a plugin that hangs, which is ended', async () => {
    const clock = fakeClock();
    const user = plugin('hangs', `echo $$ > "${folder}/pid"; exec sleep 600`);
    const asked = open({ user }, clock)
      .token?.()
      .catch((error: unknown) => error);
    const pidOf = (): number =>
      existsSync(join(folder, 'pid')) ? Number(readFileSync(join(folder, 'pid'), 'utf8')) : 0;
    await vi.waitUntil(() => pidOf() > 0);
    await clock.advance(20_000);
    expect(await asked).toMatchObject({
      message: `config: users[u].user.exec: ${folder}/hangs said nothing within 20 s`,
    });
    const lives = (): boolean => {
      try {
        return process.kill(pidOf(), 0);
      } catch {
        return false;
      }
    };
    await vi.waitUntil(() => !lives());
    expect(clock.pending()).toBe(0);
  });
});
