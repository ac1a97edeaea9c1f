/** Where a kubeconfig is: one file, or several that kubectl takes together. Reads them; what is in an entry is kubeconfig.ts's business. */
import { readFileSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, join, resolve } from 'node:path';
import { RejectedError } from '#shared/errors.ts';
import { type KubeconfigFile, readKubeconfig } from './kubeconfig.ts';

export interface KubeconfigFound {
  readonly file: KubeconfigFile;
  /** What messages call it: the paths. */
  readonly where: string;
}

export interface KubeconfigPlace {
  /** `--kubeconfig`; null: not said. */
  readonly given: string | null;
  /** `$KUBECONFIG`; empty: not said. */
  readonly env: string;
  readonly home: string;
}

/** Those that are looked for, in the order in which they win. */
export function kubeconfigPaths({ given, env, home }: KubeconfigPlace): readonly string[] {
  if (given !== null) return [given];
  const named = env.split(delimiter).filter((path) => path !== '');
  return named.length > 0 ? named : [join(home, '.kube', 'config')];
}

/**
 * Null: there is none of them.
 * @throws RejectedError config_invalid; file_unreadable: one that is there cannot be read, or the one that was given is not there
 */
export function findKubeconfig(place: KubeconfigPlace): KubeconfigFound | null {
  const found = kubeconfigPaths(place).flatMap((path) => {
    const text = textOf(path, place.given !== null);
    return text === null ? [] : [{ path, file: rooted(readKubeconfig(text, path), path) }];
  });
  const [first, ...others] = found.map(({ file }) => file);
  if (first === undefined) return null;
  return { file: others.reduce(merged, first), where: found.map(({ path }) => path).join(delimiter) };
}

/** Null: not there. */
function textOf(path: string, needed: boolean): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' && !needed) return null;
    throw new RejectedError('file_unreadable', `kubeconfig ${path}: ${String(code)}`, { cause });
  }
}

/** Of two with one name the first is the one, as kubectl has it. */
function merged(first: KubeconfigFile, second: KubeconfigFile): KubeconfigFile {
  const both = (list: 'clusters' | 'contexts' | 'users') => {
    const known = new Set(first[list]?.map(({ name }) => name));
    return [...(first[list] ?? []), ...(second[list] ?? []).filter(({ name }) => !known.has(name))];
  };
  const current = first['current-context'] || second['current-context'];
  return {
    ...(current ? { 'current-context': current } : {}),
    clusters: both('clusters'),
    contexts: both('contexts'),
    users: both('users'),
  };
}

const FILES = {
  clusters: ['certificate-authority'],
  users: ['client-certificate', 'client-key', 'tokenFile'],
} as const;
const KEY = { clusters: 'cluster', users: 'user' } as const;

/** What it names without a root lies beside it: said in full, before it is put together with others. */
function rooted(file: KubeconfigFile, path: string): KubeconfigFile {
  const beside = (named: unknown): unknown =>
    typeof named !== 'string' || isAbsolute(named) ? named : resolve(dirname(path), named);
  const of = (list: 'clusters' | 'users'): KubeconfigFile['users'] =>
    file[list]?.map((entry) => {
      const said = entry[KEY[list]];
      if (!isFields(said)) return entry;
      const files = FILES[list].flatMap((key) => (key in said ? [[key, beside(said[key])] as const] : []));
      return { ...entry, [KEY[list]]: { ...said, ...Object.fromEntries(files), ...execOf(said, beside) } };
    });
  return { ...file, clusters: of('clusters'), users: of('users') };
}

/** A command with a separator in it is a file too; one without is looked for on the path. */
function execOf(said: Fields, beside: (named: unknown) => unknown): Fields {
  const { exec } = said;
  if (!isFields(exec) || typeof exec['command'] !== 'string' || !/[\\/]/.test(exec['command'])) return {};
  return { exec: { ...exec, command: beside(exec['command']) } };
}

type Fields = Readonly<Record<string, unknown>>;
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null;

/** `gke_PROJECT_LOCATION_NAME`, as gcloud calls the context of a cluster. */
const GKE = /^gke_[^_]+_[^_]+_(.+)$/;

/**
 * The context of a cluster, by the context's name or the name that the cluster has at Google.
 * @throws RejectedError config_invalid: none, or several
 */
export function contextOfCluster({ file, where }: KubeconfigFound, cluster: string): string {
  const names = (file.contexts ?? []).map(({ name }) => name);
  if (names.includes(cluster)) return cluster;
  const found = names.filter((name) => GKE.exec(name)?.[1] === cluster);
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const said =
    found.length === 0
      ? `there is no context for a cluster ${JSON.stringify(cluster)}; known: ${names.join(', ') || 'none'}`
      : `a cluster ${JSON.stringify(cluster)} is in several contexts, so name one of them: ${found.join(', ')}`;
  throw new RejectedError('config_invalid', `${where}: ${said}`);
}
