import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { kubeconfigAccess } from '#cli/smoke/kubeconfig-access.ts';
import { hostClock } from '#shared/adapters/clock/host.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import { fakeClock } from '#test/support/clock.ts';
import { base64, CLUSTER, type Fields, KEY, type Parts, PEM, PLUGIN, parsed, thrownBy } from './a-kubeconfig.ts';

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
