/** terraform/kubernetes/ as data: every document of every YAML file. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { type Block, TERRAFORM } from '../terraform/parsed.ts';

export const KUBERNETES = join(TERRAFORM, 'kubernetes');

/** Path below kubernetes/ -> its documents. */
export type Manifests = ReadonlyMap<string, readonly Block[]>;

export const documentsIn = (text: string): readonly Block[] =>
  parseAllDocuments(text).map((document) => {
    if (document.errors.length > 0) throw new Error(document.errors.map(({ message }) => message).join('\n'));
    return document.toJS() as Block;
  });

export const readManifests = (): Manifests =>
  new Map(
    readdirSync(KUBERNETES, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.yaml') && !path.startsWith('overlays/'))
      .sort()
      .map((path) => [path, documentsIn(readFileSync(join(KUBERNETES, path), 'utf8'))]),
  );

/** What is applied: not the kustomizations themselves. */
export const resourcesOf = (manifests: Manifests): readonly Block[] =>
  [...manifests].flatMap(([path, documents]) => (path.endsWith('kustomization.yaml') ? [] : documents));

const nameOf = ({ metadata }: Block): unknown => (metadata as Block | undefined)?.['name'];
/** An empty one when it is not there, so that a check says what is missing. */
export const manifest = (manifests: Manifests, kind: string, name: string): Block =>
  resourcesOf(manifests).find((one) => one['kind'] === kind && nameOf(one) === name) ?? {};

export const kustomization = (manifests: Manifests, folder: string): Block =>
  manifests.get(`${folder}/kustomization.yaml`)?.[0] ?? {};
export const filesBeside = (manifests: Manifests, folder: string): readonly string[] =>
  [...manifests.keys()]
    .filter((path) => dirname(path) === folder && !path.endsWith('kustomization.yaml'))
    .map((path) => path.slice(folder.length + 1));

/** Every document, and every key within, taken out alone. */
export function piecesOf(manifests: Manifests): readonly { readonly name: string; readonly without: Manifests }[] {
  return [...manifests].flatMap(([path, documents]) =>
    documents.flatMap((document, index) => {
      const at = `${path}: ${document['kind']} ${nameOf(document) ?? ''}`;
      const changed = (copies: readonly Block[]): Manifests => new Map(manifests).set(path, copies);
      return [
        { name: at, without: changed(documents.toSpliced(index, 1)) },
        ...keysIn(document).map((steps) => ({
          name: `${at} ${steps.join('.')}`,
          without: changed(documents.with(index, withoutKey(document, steps))),
        })),
      ];
    }),
  );
}

type Steps = readonly (string | number)[];
function keysIn(value: unknown, at: Steps = []): readonly Steps[] {
  if (typeof value !== 'object' || value === null) return [];
  const steps = Array.isArray(value) ? value.map((_, index) => index) : Object.keys(value);
  return steps.flatMap((step) => [[...at, step], ...keysIn((value as Block)[step], [...at, step])]);
}

function withoutKey(document: Block, steps: Steps): Block {
  const copy = structuredClone(document) as Record<string | number, unknown>;
  const holder = steps.slice(0, -1).reduce<unknown>((at, step) => (at as typeof copy)[step], copy) as typeof copy;
  const last = steps.at(-1) as string | number;
  if (Array.isArray(holder)) holder.splice(last as number, 1);
  else delete holder[last];
  return copy;
}
