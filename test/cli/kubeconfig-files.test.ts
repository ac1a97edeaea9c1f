/** Kubeconfigs where kubectl looks for them, and several as if they were one. */
import { writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { entryOf } from '#cli/smoke/kubeconfig.ts';
import { findKubeconfig, type KubeconfigFound, kubeconfigPaths } from '#cli/smoke/kubeconfig-files.ts';
import { temporary } from './run.ts';

const found = (given: { given?: string; env?: string; home?: string }): KubeconfigFound => {
  const file = findKubeconfig({ given: null, env: '', home: '/nowhere', ...given });
  if (file === null) throw new Error('there is none');
  return file;
};

test.each<[string | null, string, readonly string[]]>([
  ['/given', '/a:/b', ['/given']],
  [null, `/a${delimiter}/b`, ['/a', '/b']],
  [null, `${delimiter}/b${delimiter}`, ['/b']],
  [null, '', ['/home/x/.kube/config']],
  [null, delimiter, ['/home/x/.kube/config']],
])('given %j and $KUBECONFIG %j, looks for %j', (given, env, paths) => {
  expect(kubeconfigPaths({ given, env, home: '/home/x' })).toEqual(paths);
});

describe('several', () => {
  const cluster = (name: string, fields: object) => ({
    name,
    cluster: { server: `https://${name}.example`, ...fields },
  });
  const context = (name: string, of: string, user: string) => ({ name, context: { cluster: of, user } });
  let folder: string;
  let env: string;
  const put = async (name: string, said: object): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, JSON.stringify(said));
    return path;
  };

  const write = async (): Promise<void> => {
    folder = await temporary();
    const first = await put('first', {
      clusters: [cluster('one', { 'certificate-authority': 'ca.pem' }), { name: 'odd' }],
      contexts: [context('both', 'one', 'two')],
    });
    const second = await put('second', {
      'current-context': 'both',
      clusters: [cluster('one', { server: 'https://other.example' }), cluster('two', {})],
      users: [
        { name: 'one', user: { exec: { command: './plugin', apiVersion: 'client.authentication.k8s.io/v1' } } },
        { name: 'two', user: { tokenFile: 'token', 'client-certificate': '/abs/cert.pem', 'client-key': 'key.pem' } },
        { name: 'three', user: { exec: { command: 'gke-plugin', apiVersion: 'client.authentication.k8s.io/v1' } } },
      ],
      contexts: [context('first', 'two', 'one'), context('third', 'two', 'three')],
    });
    env = [first, join(folder, 'gone'), second].join(delimiter);
  };

  test('are one: of two with a name the first wins, and what they name lies beside them', async () => {
    await write();
    const { file, where } = found({ env });
    expect(where).toBe([join(folder, 'first'), join(folder, 'second')].join(delimiter));
    expect(entryOf(file, where, null)).toMatchObject({
      context: 'both',
      server: 'https://one.example',
      authorities: { file: join(folder, 'ca.pem') },
      credential: { by: 'token', token: { file: join(folder, 'token') } },
      client: { cert: { file: '/abs/cert.pem' }, key: { file: join(folder, 'key.pem') } },
    });
  });

  test('have plugins beside them, or on the path', async () => {
    await write();
    const { file, where } = found({ env });
    const commandOf = (name: string) => entryOf(file, where, name).credential;
    expect(commandOf('first')).toMatchObject({ plugin: { command: join(folder, 'plugin') } });
    expect(commandOf('third')).toMatchObject({ plugin: { command: 'gke-plugin' } });
  });

  test('of which one cannot be read are none', async () => {
    await write();
    const broken = join(folder, 'broken');
    await writeFile(broken, '{');
    expect(() => found({ env: `${env}${delimiter}${broken}` })).toThrow(`${broken}: expected YAML`);
    expect(() => found({ env: `${env}${delimiter}${folder}` })).toThrow(`kubeconfig ${folder}: EISDIR`);
  });
});

test('where there is none there is none, unless it was given', async () => {
  const folder = await temporary();
  const gone = join(folder, 'gone');
  expect(findKubeconfig({ given: null, env: gone, home: folder })).toBeNull();
  expect(() => found({ given: gone })).toThrow(`kubeconfig ${gone}: ENOENT`);
});
