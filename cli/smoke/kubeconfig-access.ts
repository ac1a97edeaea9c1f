/** From what a kubeconfig says to a way into the cluster: reads the files that it names, and runs its plugin whenever a token is asked for. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, resolve } from 'node:path';
import { z } from 'zod';
import { RejectedError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import { authoritiesOf, type ClusterAccess } from '#shared/probes/kubernetes/access.ts';
import type { ExecPlugin, KubeconfigEntry, Material } from './kubeconfig.ts';

export interface KubeconfigAccessOptions {
  readonly entry: KubeconfigEntry;
  /** Of the kubeconfig: what it names without a root lies beside it. */
  readonly path: string;
  readonly hostClock: HostClock;
  /** Of this process, for the plugin. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Host milliseconds: gke-gcloud-auth-plugin takes a second, with a token to renew five. */
const PLUGIN_MS = 20_000;
const MAX_PLUGIN_BYTES = 256 * 1024;

/** @throws RejectedError config_invalid, file_unreadable */
export function kubeconfigAccess({ entry, path, hostClock, env }: KubeconfigAccessOptions): ClusterAccess {
  const { cluster, user } = entry.places;
  const beside = (named: string): string => (isAbsolute(named) ? named : resolve(dirname(path), named));
  const read = (material: Material, place: string): string =>
    'text' in material ? material.text : readText(beside(material.file), place);
  const { authorities, client, credential } = entry;
  const tokenOf = (): ClusterAccess['token'] => {
    if (credential.by === 'token') return async () => read(credential.token, `${user}.tokenFile`).trim();
    if (credential.by !== 'exec') return null;
    const { plugin } = credential;
    // Without a separator it is looked for on the path.
    const command = /[\\/]/.test(plugin.command) ? beside(plugin.command) : plugin.command;
    return () => tokenOfPlugin({ ...plugin, command }, `${user}.exec`, hostClock, env);
  };
  return {
    server: entry.server,
    caPem:
      authorities === null
        ? null
        : authoritiesOf(read(authorities, `${cluster}.certificate-authority`), `${cluster}.certificate-authority`),
    token: tokenOf(),
    client:
      client === null
        ? null
        : {
            certPem: read(client.cert, `${user}.client-certificate`),
            keyPem: read(client.key, `${user}.client-key`),
          },
    serverName: entry.serverName,
    verified: entry.verified,
  };
}

function readText(path: string, place: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new RejectedError('file_unreadable', `${place}: ${path} cannot be read (${code ?? 'unknown'})`);
  }
}

const execCredential = z.object({
  kind: z.literal('ExecCredential'),
  status: z.object({ token: z.string().min(1) }),
});

/** https://kubernetes.io/docs/reference/access-authn-authz/authentication/#client-go-credential-plugins */
async function tokenOfPlugin(
  plugin: ExecPlugin,
  place: string,
  hostClock: HostClock,
  env: KubeconfigAccessOptions['env'],
): Promise<string> {
  const wrong = (why: string): RejectedError => new RejectedError('cluster_unauthorized', `${place}: ${why}`);
  const { command, apiVersion, installHint } = plugin;
  const info = { apiVersion, kind: 'ExecCredential', spec: { interactive: false } };
  const child = spawn(command, [...plugin.args], {
    env: { ...env, ...plugin.env, KUBERNETES_EXEC_INFO: JSON.stringify(info) },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = Promise.withResolvers<number | NodeJS.Signals | null>();
  const end = (error: RejectedError): void => {
    child.kill('SIGKILL');
    // What it has started itself may live on, and holds the other ends: nobody here waits for that.
    child.stdout.destroy();
    child.stderr.destroy();
    ended.reject(error);
  };
  const cancel = hostClock.after(PLUGIN_MS, () => end(wrong(`${command} said nothing within ${PLUGIN_MS / 1_000} s`)));
  const out: Buffer[] = [];
  let length = 0;
  child.stdout.on('data', (chunk: Buffer) => {
    length += chunk.length;
    if (length <= MAX_PLUGIN_BYTES) out.push(chunk);
    else end(wrong(`${command} said more than ${MAX_PLUGIN_BYTES} bytes`));
  });
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => {
    if (complaint.length < MAX_COMPLAINT) complaint += chunk.toString('utf8');
  });
  child.on('error', (error: NodeJS.ErrnoException) => {
    const hint = installHint === null ? '' : `: ${installHint.trim().slice(0, 300)}`;
    ended.reject(
      wrong(
        error.code === 'ENOENT' ? `${command} is not installed${hint}` : `${command} cannot be run (${error.code})`,
      ),
    );
  });
  child.on('close', (code, signal) => ended.resolve(code ?? signal));
  try {
    const how = await ended.promise;
    if (how !== 0) throw wrong(`${command} ended with ${how}: ${wordsOf(complaint) || 'no word'}`);
  } finally {
    cancel();
  }
  const answer = execCredential.safeParse(jsonOf(Buffer.concat(out).toString('utf8')));
  // What it said may hold a token.
  if (!answer.success) throw wrong(`${command} gave no ExecCredential with a token`);
  return answer.data.status.token;
}
const MAX_COMPLAINT = 300;

/** No word is as long as a token. */
const wordsOf = (complaint: string): string =>
  complaint
    .trim()
    .slice(0, MAX_COMPLAINT)
    .replaceAll(/[^\s/\\]{40,}/g, '…');

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
