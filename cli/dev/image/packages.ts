/**
 * The packages that stay outside of the bundles, with all that they need, as package-lock.json has them: copied from node_modules,
 * which `npm ci` made of that file. No second installation, so no second answer to which versions these are.
 */
import { cp, readFile } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';

interface Locked {
  readonly version?: string;
  readonly license?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}
/** By place: `node_modules/a`, `node_modules/a/node_modules/b`. */
export type Packages = Readonly<Record<string, Locked>>;

/**
 * Places of the packages named and of all that they need. What is optional is left out.
 * @throws Error when the lock file lacks one
 */
export function closureOf(packages: Packages, names: readonly string[]): readonly string[] {
  const found = new Set<string>();
  const add = (from: string, name: string): void => {
    if (name.startsWith('@types/')) return; // Nothing that runs.
    const place = placeOf(packages, from, name);
    if (place === null) throw new Error(`package-lock.json has no ${name}, which ${from || 'the image'} needs`);
    if (found.has(place)) return;
    found.add(place);
    const { dependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} } = packages[place] ?? {};
    const peers = Object.keys(peerDependencies).filter((peer) => peerDependenciesMeta[peer]?.optional !== true);
    for (const needed of [...Object.keys(dependencies), ...peers]) add(place, needed);
  };
  for (const name of names) add('', name);
  return [...found].sort();
}

/** As Node looks for it: beside, then in each folder above. */
function placeOf(packages: Packages, from: string, name: string): string | null {
  const place = `${from === '' ? '' : `${from}/`}node_modules/${name}`;
  if (place in packages) return place;
  return from === '' ? null : placeOf(packages, from.slice(0, Math.max(0, from.lastIndexOf('/node_modules/'))), name);
}

export async function lockedPackages(root: string): Promise<Packages> {
  const { packages } = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as { packages: Packages };
  return packages;
}

/** @throws Error when node_modules is not what the lock file says */
export async function copyPackages(
  root: string,
  packages: Packages,
  places: readonly string[],
  target: string,
): Promise<void> {
  await Promise.all(
    places.map(async (place) => {
      const from = join(root, place);
      const { version } = JSON.parse(await readFile(join(from, 'package.json'), 'utf8')) as { version: string };
      const locked = packages[place]?.version;
      if (version !== locked)
        throw new Error(`${place} is ${version}, package-lock.json says ${locked}: run npm ci, then build again`);
      await cp(from, join(target, place), {
        recursive: true,
        filter: (file) => isLoaded(place, relative(from, file).split(sep).join('/')),
      });
    }),
  );
}

/** tfjs ships its code eight times; `main` of each package is the one for Node, and wasm-out what it loads. */
const OF_TFJS = /^(|package\.json|dist|dist\/[^/]+\.node\.js|wasm-out(\/[^/]+\.wasm)?)$/;

/** Not the packages within it, which are copied if they are needed; not what only tools and people read. */
export const isLoaded = (place: string, file: string): boolean =>
  place.includes('/@tensorflow/')
    ? OF_TFJS.test(file)
    : !/(^|\/)node_modules(\/|$)|\.map$|\.d\.[cm]?ts$|\.md$/.test(file);
