/** What `terraform validate` would say of names, which needs the provider for it. */
import { join } from 'node:path';
import type { Check } from '../check.ts';
import { type Block, filesIn, foldersOf, localsIn, namedIn, type Parsed, resourcesIn, textsIn } from '../parsed.ts';

const ROOTS = /^environments\//;
/** Arguments of every call of a module. */
const META = new Set(['source', 'for_each', 'depends_on']);

/** All expressions of a folder in one text; descriptions are not among them. */
const expressionsIn = (parsed: Parsed, folder: string): string =>
  filesIn(parsed, folder)
    .flatMap(textsIn)
    .filter((text) => text.includes('${'))
    .join('\n');

const folderOf = (folder: string, { source }: Block): string => join(folder, String(source));

function undefinedNames(parsed: Parsed, folder: string): readonly string[] {
  const text = expressionsIn(parsed, folder);
  const known = new Set([
    ...[...namedIn(parsed, folder, 'variable').keys()].map((name) => `var.${name}`),
    ...[...namedIn(parsed, folder, 'module').keys()].map((name) => `module.${name}`),
    ...Object.keys(localsIn(parsed, folder)).map((name) => `local.${name}`),
    ...resourcesIn(parsed, folder).map(({ type, name }) => `${type}.${name}`),
    ...resourcesIn(parsed, folder, 'data').map(({ type, name }) => `data.${type}.${name}`),
  ]);
  const used = [...text.matchAll(/(?<![\w.])(?:(?:var|local|module|google_\w+)\.\w+|data\.google_\w+\.\w+)/g)];
  return [...new Set(used.map(([name]) => name))]
    .filter((name) => !known.has(name))
    .map((name) => `${folder}: ${name}`);
}

function unusedNames(parsed: Parsed, folder: string): readonly string[] {
  // A variable that only its own validation names is not used.
  const text = filesIn(parsed, folder)
    .flatMap(({ variable: _, ...rest }) => textsIn(rest))
    .join('\n');
  const defined = [
    ...[...namedIn(parsed, folder, 'variable').keys()].map((name) => `var.${name}`),
    ...Object.keys(localsIn(parsed, folder)).map((name) => `local.${name}`),
  ];
  return defined
    .filter((name) => !new RegExp(`(?<![\\w.])${name.replace('.', '\\.')}\\b`).test(text))
    .map((name) => `${folder}: ${name}`);
}

function wrongCalls(parsed: Parsed, folder: string): readonly string[] {
  return [...namedIn(parsed, folder, 'module')].flatMap(([name, call]) => {
    const variables = namedIn(parsed, folderOf(folder, call), 'variable');
    const given = Object.keys(call).filter((argument) => !META.has(argument));
    const at = `${folder}: module.${name}`;
    if (variables.size === 0) return [`${at}: no module at ${call['source']}`];
    return [
      ...given.filter((argument) => !variables.has(argument)).map((argument) => `${at}: no variable ${argument}`),
      ...[...variables]
        .filter(([variable, block]) => !('default' in block) && !given.includes(variable))
        .map(([variable]) => `${at}: ${variable} is not given`),
    ];
  });
}

/** `module.topic[…].id`, `module.registry.url`, and `topic.id` after `for topic in module.topic`. */
function outputsAsked(text: string): readonly (readonly [string, string])[] {
  const direct = [...text.matchAll(/(?<![\w.])module\.(\w+)(?:\[[^\]]*\])?\.(\w+)/g)].map(
    ([, module = '', output = '']) => [module, output] as const,
  );
  const bound = [...text.matchAll(/\bfor (?:\w+, )?(\w+) in module\.(\w+)/g)].flatMap(([, name = '', module = '']) =>
    [...text.matchAll(new RegExp(`(?<![\\w.])${name}\\.(\\w+)`, 'g'))].map(
      ([, output = '']) => [module, output] as const,
    ),
  );
  return [...direct, ...bound];
}

function wrongOutputs(parsed: Parsed): readonly string[] {
  const asked = new Map<string, Set<string>>();
  for (const folder of foldersOf(parsed)) {
    const calls = namedIn(parsed, folder, 'module');
    for (const text of filesIn(parsed, folder).flatMap(textsIn))
      for (const [module, output] of outputsAsked(text)) {
        const target = folderOf(folder, calls.get(module) ?? {});
        asked.set(target, (asked.get(target) ?? new Set()).add(output));
      }
  }
  return foldersOf(parsed).flatMap((folder) => {
    const outputs = [...namedIn(parsed, folder, 'output').keys()];
    const wanted = [...(asked.get(folder) ?? [])];
    return [
      ...wanted.filter((name) => !outputs.includes(name)).map((name) => `${folder}: no output ${name}`),
      // What the environments show is for people, and those show all of aurora.
      ...(folder.startsWith('modules/') ? outputs.filter((name) => !wanted.includes(name)) : []).map(
        (name) => `${folder}: nobody asks for output ${name}`,
      ),
    ];
  });
}

function uncalledFolders(parsed: Parsed): readonly string[] {
  const called = new Set(
    foldersOf(parsed).flatMap((folder) =>
      [...namedIn(parsed, folder, 'module').values()].map((call) => folderOf(folder, call)),
    ),
  );
  return foldersOf(parsed).filter((folder) => !ROOTS.test(folder) && !called.has(folder));
}

const everywhere = (find: (parsed: Parsed, folder: string) => readonly string[]) => (parsed: Parsed) =>
  foldersOf(parsed).flatMap((folder) => find(parsed, folder));

export const REFERENCES: readonly Check[] = [
  { says: 'every name that is used is there', breaches: everywhere(undefinedNames) },
  { says: 'every variable and local that is there is used', breaches: everywhere(unusedNames) },
  { says: 'a module is given what it asks for, and nothing else', breaches: everywhere(wrongCalls) },
  { says: 'a module’s outputs are those that are asked for', breaches: wrongOutputs },
  { says: 'every module is called', breaches: uncalledFolders },
];
