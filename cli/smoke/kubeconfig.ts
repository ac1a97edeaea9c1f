/**
 * A kubeconfig, read: which cluster, and how one shows who one is there. Pure; files and programs that it names come later
 * (kubeconfig-access.ts). What it says that nobody here can do is an error and not left out: it would look at the wrong thing, or as nobody.
 */
import { parse as parseYaml, YAMLParseError } from 'yaml';
import { z } from 'zod';
import { RejectedError } from '#shared/errors.ts';
import { serverOf } from '#shared/probes/kubernetes/access.ts';

/** Bytes that it holds itself (base64 decoded), or the path of a file. */
export type Material = { readonly text: string } | { readonly file: string };

export interface ExecPlugin {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly apiVersion: string;
  /** What its vendor says to whoever lacks it. */
  readonly installHint: string | null;
}

export type Credential =
  | { readonly by: 'token'; readonly token: Material }
  | { readonly by: 'exec'; readonly plugin: ExecPlugin }
  | { readonly by: 'certificate' }
  | { readonly by: 'nothing' };

export interface KubeconfigEntry {
  readonly context: string;
  /** Null: it names none. */
  readonly namespace: string | null;
  readonly server: string;
  readonly serverName: string | null;
  readonly authorities: Material | null;
  readonly verified: boolean;
  readonly credential: Credential;
  readonly client: { readonly cert: Material; readonly key: Material } | null;
  /** What whoever uses it is to be told. */
  readonly warnings: readonly string[];
  /** Where its parts are, for errors: `FILE: users[NAME].user`. */
  readonly places: { readonly cluster: string; readonly user: string };
}

const text = z.string().min(1).optional();

const clusterEntry = z.object({
  server: z.string(),
  'certificate-authority': text,
  'certificate-authority-data': text,
  'insecure-skip-tls-verify': z.boolean().optional(),
  'tls-server-name': text,
  'proxy-url': text,
});
const userEntry = z.object({
  token: text,
  tokenFile: text,
  'client-certificate': text,
  'client-certificate-data': text,
  'client-key': text,
  'client-key-data': text,
  username: text,
  as: text,
  'auth-provider': z.unknown().optional(),
  exec: z
    .object({
      command: z.string().min(1),
      args: z.array(z.string()).nullish(),
      env: z.array(z.object({ name: z.string(), value: z.string() })).nullish(),
      apiVersion: z.string().regex(/^client\.authentication\.k8s\.io\/v1(beta1)?$/),
      installHint: z.string().nullish(),
    })
    .optional(),
});
type User = z.infer<typeof userEntry>;
const contextEntry = z.object({ cluster: z.string(), user: z.string().optional(), namespace: text });

/** What is in an entry is read when it is the one: the others may be of clusters that nobody asks for. */
const entries = z.array(z.looseObject({ name: z.string() })).nullish();
type Entries = z.infer<typeof entries>;
const file = z.object({
  'current-context': z.string().optional(),
  clusters: entries,
  contexts: entries,
  users: entries,
});
/** Its lists; what is in them is not looked at yet. */
export type KubeconfigFile = z.infer<typeof file>;

/** @param where what messages call it: the file's name. @throws RejectedError config_invalid */
export function readKubeconfig(text: string, where: string): KubeconfigFile {
  let raw: unknown;
  try {
    raw = parseYaml(text, { maxAliasCount: 64 });
  } catch (error) {
    throw wrong(where, `expected YAML: ${faultOf(error)}`);
  }
  const read = file.safeParse(raw);
  if (!read.success) throw wrong(where, issueOf(read.error));
  return read.data;
}

/** @param wanted a context; null: the current one. @throws RejectedError config_invalid */
export const parseKubeconfig = (text: string, where: string, wanted: string | null): KubeconfigEntry =>
  entryOf(readKubeconfig(text, where), where, wanted);

/** @throws RejectedError config_invalid */
export function entryOf(read: KubeconfigFile, where: string, wanted: string | null): KubeconfigEntry {
  const { clusters, contexts, users } = read;
  const name = wanted ?? read['current-context'] ?? '';
  if (name === '') throw wrong(where, 'current-context: it names none; say which');
  const context = find({ where, list: 'contexts', key: 'context', entries: contexts, name }, contextEntry);
  const cluster = find(
    { where, list: 'clusters', key: 'cluster', entries: clusters, name: context.cluster },
    clusterEntry,
  );
  const places = {
    cluster: `${where}: clusters[${context.cluster}].cluster`,
    user: `${where}: users[${context.user ?? ''}].user`,
  };
  const user: User =
    context.user === undefined || context.user === ''
      ? {}
      : find({ where, list: 'users', key: 'user', entries: users, name: context.user }, userEntry);
  refuse(places.cluster, cluster, ['proxy-url']);
  refuse(places.user, user, ['username', 'as', 'auth-provider']);

  const verified = cluster['insecure-skip-tls-verify'] !== true;
  const client = clientOf(places.user, user);
  return {
    context: name,
    namespace: context.namespace ?? null,
    server: serverOf(cluster.server, `${places.cluster}.server`),
    serverName: cluster['tls-server-name'] ?? null,
    authorities: materialOf(
      `${places.cluster}.certificate-authority-data`,
      cluster['certificate-authority-data'],
      cluster['certificate-authority'],
    ),
    verified,
    credential: credentialOf(user, client !== null),
    client,
    warnings: verified
      ? []
      : [`${places.cluster}.insecure-skip-tls-verify: whoever answers at ${cluster.server} is believed`],
    places,
  };
}

/** The parser's words quote what stands there, which may be a token. */
function faultOf(error: unknown): string {
  if (!(error instanceof YAMLParseError)) return 'it cannot be read';
  const [at] = error.linePos ?? [];
  return at === undefined ? error.code : `${error.code} at line ${at.line}, column ${at.col}`;
}

const wrong = (where: string, message: string): RejectedError =>
  new RejectedError('config_invalid', `${where}: ${message}`);

interface Sought {
  readonly where: string;
  readonly list: string;
  readonly key: string;
  readonly entries: Entries;
  readonly name: string;
}

function find<T>({ where, list, key, entries, name }: Sought, schema: z.ZodType<T>): T {
  const found = entries?.find((entry) => entry.name === name);
  if (found === undefined) {
    const known = (entries ?? []).map((entry) => entry.name).join(', ');
    throw wrong(where, `${list}: there is no ${JSON.stringify(name)}; known: ${known || 'none'}`);
  }
  const read = schema.safeParse(found[key]);
  if (!read.success) throw wrong(where, `${list}[${name}].${key}: ${issueOf(read.error)}`);
  return read.data;
}

/** Of what it says and nobody here can do. */
function refuse(place: string, said: Readonly<Record<string, unknown>>, keys: readonly string[]): void {
  const key = keys.find((one) => said[one] != null);
  if (key !== undefined)
    throw new RejectedError(
      'config_invalid',
      `${place}.${key} is not supported here: use a token, a certificate or an exec plugin, without a proxy`,
    );
}

/** The data win over the file, as kubectl has it. */
function materialOf(place: string, data: string | undefined, path: string | undefined): Material | null {
  if (data === undefined) return path === undefined ? null : { file: path };
  const decoded = Buffer.from(data, 'base64').toString('utf8');
  if (!decoded.includes('-----BEGIN')) throw new RejectedError('config_invalid', `${place}: expected base64 of PEM`);
  return { text: decoded };
}

function clientOf(place: string, user: User): KubeconfigEntry['client'] {
  const cert = materialOf(
    `${place}.client-certificate-data`,
    user['client-certificate-data'],
    user['client-certificate'],
  );
  const key = materialOf(`${place}.client-key-data`, user['client-key-data'], user['client-key']);
  if (cert === null && key === null) return null;
  if (cert === null || key === null)
    throw new RejectedError(
      'config_invalid',
      `${place}: expected client-certificate and client-key together, ${cert === null ? 'client-certificate' : 'client-key'} is missing`,
    );
  return { cert, key };
}

/** A file wins over the token in the config, both over the plugin, as kubectl has it. */
function credentialOf(user: User, hasCertificate: boolean): Credential {
  if (user.tokenFile !== undefined) return { by: 'token', token: { file: user.tokenFile } };
  if (user.token !== undefined) return { by: 'token', token: { text: user.token } };
  if (user.exec !== undefined) {
    const { command, args, env, apiVersion, installHint } = user.exec;
    return {
      by: 'exec',
      plugin: {
        command,
        args: args ?? [],
        env: Object.fromEntries((env ?? []).map(({ name, value }) => [name, value])),
        apiVersion,
        installHint: installHint ?? null,
      },
    };
  }
  return hasCertificate ? { by: 'certificate' } : { by: 'nothing' };
}

/** Without values: they may be secret. */
function issueOf(error: z.ZodError): string {
  const [issue] = error.issues;
  if (issue === undefined) return 'invalid';
  return `${issue.path.length === 0 ? '' : `${issue.path.map(String).join('.')}: `}${issue.message}`;
}
