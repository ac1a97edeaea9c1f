/** Everything of terraform/ that can be taken out alone: what is not missed by any check is not needed, or not checked. */
import type { Block, Parsed } from './parsed.ts';

export interface Piece {
  /** `aurora/topics.tf: module.topic.publishers` */
  readonly name: string;
  readonly without: (parsed: Parsed) => Parsed;
}

type Path = readonly (string | number)[];
type Tree = Record<string, unknown>;

/** Of a function's entry: what it costs, not how it is wired. Each has a value that works. */
const SIZES = new Set(['memory', 'cpu', 'instances', 'parallel', 'always_on']);

export const piecesOf = (parsed: Parsed): readonly Piece[] =>
  [...parsed].flatMap(([file, content]) =>
    pathsIn(content as Block).map((path) => ({
      name: `${file}: ${path.filter((step) => typeof step === 'string').join('.')}`,
      without: (whole: Parsed) => new Map(whole).set(file, without(content as Block, path)),
    })),
  );

function without(content: Block, path: Path): Block {
  const copy = structuredClone(content) as Tree;
  const at = (steps: Path): unknown => steps.reduce<unknown>((value, step) => (value as Tree)[step], copy);
  const [holder, last = ''] = [at(path.slice(0, -1)), path.at(-1)];
  // The only block of its kind leaves no empty list behind.
  if (Array.isArray(holder) && holder.length === 1) delete (at(path.slice(0, -2)) as Tree)[path.at(-2) as string];
  else if (Array.isArray(holder)) holder.splice(last as number, 1);
  else delete (holder as Tree)[last];
  return copy;
}

function pathsIn(content: Block): readonly Path[] {
  const found: Path[] = [];
  for (const kind of ['resource', 'data'])
    for (const [type, byName] of entries(content[kind]))
      for (const [name, [block]] of entries(byName) as [string, Block[]][]) {
        found.push([kind, type, name]);
        found.push(...nestedIn(block ?? {}, [kind, type, name, 0]));
      }
  for (const [name, [block]] of entries(content['module']) as [string, Block[]][]) {
    found.push(['module', name]);
    for (const argument of Object.keys(block ?? {})) found.push(['module', name, 0, argument]);
  }
  for (const kind of ['variable', 'output', 'provider'])
    for (const [name] of entries(content[kind])) found.push([kind, name]);
  (content['locals'] as readonly Block[] | undefined)?.forEach((block, index) => {
    for (const name of Object.keys(block)) found.push(['locals', index, name]);
  });
  (content['terraform'] as readonly Block[] | undefined)?.forEach((block, index) => {
    for (const name of Object.keys(block)) found.push(['terraform', index, name]);
  });
  found.push(...functionParts(content));
  return found;
}

const entries = (value: unknown): readonly [string, unknown][] => Object.entries((value ?? {}) as Block);

/** Blocks within a block, to any depth. */
function nestedIn(block: Block, at: Path): readonly Path[] {
  return entries(block).flatMap(([name, value]): readonly Path[] => {
    if (name === 'dynamic')
      return entries(value).flatMap(([label, made]) =>
        (made as readonly Block[]).flatMap(({ content }, index) => [
          [...at, 'dynamic', label, index],
          ...(content as readonly Block[]).flatMap((one, inner) =>
            nestedIn(one, [...at, 'dynamic', label, index, 'content', inner]),
          ),
        ]),
      );
    if (!Array.isArray(value) || typeof value[0] !== 'object') return [];
    return value.flatMap((one: Block, index) => [[...at, name, index], ...nestedIn(one, [...at, name, index])]);
  });
}

/** Of aurora/topology.tf: each function, and what it may do. */
function functionParts(content: Block): readonly Path[] {
  const index = (content['locals'] as readonly Block[] | undefined)?.findIndex((block) => 'own' in block) ?? -1;
  if (index < 0) return [];
  const own = (content['locals'] as readonly Block[])[index]?.['own'];
  return entries(own).flatMap(([name, spec]) => [
    ['locals', index, 'own', name],
    ...Object.keys(spec as Block)
      .filter((part) => !SIZES.has(part))
      .map((part) => ['locals', index, 'own', name, part]),
  ]);
}
