/**
 * terraform/ as data: each .tf file as JSON of its HCL (hcl2json). A block is an object in an array, for there may be several; an
 * expression is a string `${…}`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from '@cdktf/hcl2json';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
export const TERRAFORM = join(ROOT, 'terraform');

export type Block = Readonly<Record<string, unknown>>;
/** By name; a name has one block, or the file is wrong. */
export type Named = Readonly<Record<string, readonly Block[]>>;
export interface File {
  readonly resource?: Readonly<Record<string, Named>>;
  readonly data?: Readonly<Record<string, Named>>;
  readonly module?: Named;
  readonly variable?: Named;
  readonly output?: Named;
  readonly locals?: readonly Block[];
  readonly provider?: Named;
  readonly terraform?: readonly Block[];
}

/** Path below terraform/ -> what it says. */
export type Parsed = ReadonlyMap<string, File>;

export async function readTerraform(): Promise<Parsed> {
  const paths = readdirSync(TERRAFORM, { recursive: true, encoding: 'utf8' }).filter((path) => path.endsWith('.tf'));
  const files = paths.sort().map(async (path): Promise<[string, File]> => {
    return [path, (await parse(path, readFileSync(join(TERRAFORM, path), 'utf8'))) as File];
  });
  return new Map(await Promise.all(files));
}

/** An expression, as it stands in the JSON. */
export const ref = (expression: string): string => `\${${expression}}`;

export const foldersOf = (parsed: Parsed): readonly string[] => [...new Set([...parsed.keys()].map(dirname))];
/** Files of one folder: a module of terraform. */
export const filesIn = (parsed: Parsed, folder: string): readonly File[] =>
  [...parsed].filter(([path]) => dirname(path) === folder).map(([, file]) => file);

const named = (file: File, kind: 'module' | 'variable' | 'output'): readonly (readonly [string, Block])[] =>
  Object.entries(file[kind] ?? {}).flatMap(([name, blocks]) => blocks.map((block) => [name, block] as const));
export const namedIn = (
  parsed: Parsed,
  folder: string,
  kind: 'module' | 'variable' | 'output',
): ReadonlyMap<string, Block> => new Map(filesIn(parsed, folder).flatMap((file) => named(file, kind)));

export interface Resource {
  readonly type: string;
  readonly name: string;
  readonly block: Block;
}
export const resourcesIn = (
  parsed: Parsed,
  folder: string,
  kind: 'resource' | 'data' = 'resource',
): readonly Resource[] =>
  filesIn(parsed, folder).flatMap((file) =>
    Object.entries(file[kind] ?? {}).flatMap(([type, byName]) =>
      Object.entries(byName).flatMap(([name, blocks]) => blocks.map((block) => ({ type, name, block }))),
    ),
  );
/** `type.name` in a folder; an empty block when it is not there, so that a check says what is missing. */
export const resource = (parsed: Parsed, folder: string, address: string): Block =>
  resourcesIn(parsed, folder).find(({ type, name }) => `${type}.${name}` === address)?.block ?? {};
export const allResources = (parsed: Parsed): readonly (Resource & { readonly folder: string })[] =>
  foldersOf(parsed).flatMap((folder) => resourcesIn(parsed, folder).map((one) => ({ folder, ...one })));

export const moduleCall = (parsed: Parsed, folder: string, name: string): Block =>
  namedIn(parsed, folder, 'module').get(name) ?? {};
export const localsIn = (parsed: Parsed, folder: string): Block =>
  Object.assign({}, ...filesIn(parsed, folder).flatMap((file) => file.locals ?? [])) as Block;

const texts = new WeakMap<object, readonly string[]>();
/** All texts in a value, keys not among them; remembered, for of a damaged copy only one file is new. */
export function textsIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value !== 'object' || value === null) return [];
  const found = texts.get(value) ?? Object.values(value).flatMap(textsIn);
  texts.set(value, found);
  return found;
}
