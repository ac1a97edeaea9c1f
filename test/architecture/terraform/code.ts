/** What the code of the functions asks of the infrastructure, read from the code. */
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import ts from 'typescript';
import { MAX_CONCURRENT_REQUESTS } from '#shared/defaults.ts';
import { EVENTS } from '#shared/domain/events/catalogue.ts';
import { ROOT } from './parsed.ts';

export const FOLDERS: readonly string[] = readdirSync(join(ROOT, 'functions'), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .sort();

const texts = new Map<string, string>();
const textOf = (file: string): string => {
  const text = texts.get(file) ?? readFileSync(join(ROOT, file), 'utf8');
  texts.set(file, text);
  return text;
};

const IMPORT = /^(?:import|export)\s+(type\s+)?[^'"]*?from\s+'([^']+)'|import\('([^']+)'\)/gms;
/** A file and all of ours that it loads, at once or when asked; types not among them. */
function loadedBy(start: string): readonly string[] {
  const found = new Set<string>();
  const todo = [start];
  for (let file = todo.pop(); file !== undefined; file = todo.pop()) {
    if (found.has(file)) continue;
    found.add(file);
    for (const [, type, at, later] of textOf(file).matchAll(IMPORT)) {
      const specifier = at ?? later ?? '';
      if (type !== undefined) continue;
      if (specifier.startsWith('#')) todo.push(specifier.slice(1));
      else if (specifier.startsWith('.')) todo.push(normalize(join(dirname(file), specifier)));
    }
  }
  return [...found];
}

/**
 * What stands in quotes, comments not among it: the fixed parts of names. Not of keys, which are the state's, nor what is called by a
 * name that none of these files asks for.
 */
function quotedIn(files: readonly string[]): readonly string[] {
  const mentions = new Map<string, number>();
  for (const file of files)
    for (const [word] of textOf(file).matchAll(/\w+/g)) mentions.set(word, (mentions.get(word) ?? 0) + 1);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name)) {
      const { text: name } = node.name;
      if (name.endsWith('Key') || mentions.get(name) === 1) return;
    }
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node)) found.push(node.text);
    ts.forEachChild(node, visit);
  };
  for (const file of files) visit(ts.createSourceFile(file, textOf(file), ts.ScriptTarget.Latest));
  return found;
}

/** Folders of the bucket in which objects of the system have their names; the state's is named by the platform. */
const FOLDER = /^(models|aliases|control|offers|learning|providers|deployments|probes)\//;
/** Composes the adapters of the accounts that there are. */
const ACCOUNTS = 'shared/providers/configured.ts';

export interface Needs {
  readonly publishes: readonly string[];
  /** Publishes on topics of others. */
  readonly jobs: boolean;
  /** Folders of the bucket that it can reach, the state's among them. */
  readonly folders: readonly string[];
  readonly objects: boolean;
  readonly state: boolean;
  readonly queries: boolean;
  readonly appends: boolean;
  /** Asks Cloud Monitoring how many dead letters wait. */
  readonly counts: boolean;
  /** Reads a cluster's API. */
  readonly connects: boolean;
  /** Talks to marketplaces, whose keys it needs. */
  readonly providers: boolean;
  /** Asks who calls, by the tenants of the configuration. */
  readonly identifies: boolean;
  /** Has a door for the clock. */
  readonly ticks: boolean;
  /** Hands work to a job. */
  readonly startsJob: boolean;
  /** Fields of the configuration that it, or whoever serves it, takes. */
  readonly config: readonly string[];
  /** Requests that it lets in at a time. */
  readonly maxConcurrent: number;
}

const known = new Map<string, Needs>();
export function needsOf(name: string): Needs {
  const needs = known.get(name) ?? readNeeds(name);
  known.set(name, needs);
  return needs;
}

function readNeeds(name: string): Needs {
  const loaded = loadedBy(`functions/${name}/index.ts`);
  const own = loaded.filter((file) => file.startsWith(`functions/${name}/`)).map(textOf);
  const says = (word: string): boolean => own.some((text) => text.includes(word));
  const uses = (port: string): boolean => loaded.some((file) => textOf(file).includes(`platform.${port}()`));
  const folders = quotedIn(loaded).flatMap((text) => FOLDER.exec(text)?.[0] ?? []);
  return {
    publishes: publishedIn(own.join('\n')),
    jobs: says('jobPublisher('),
    folders: [...new Set([...(uses('objects') ? folders : []), ...(uses('state') ? ['state/'] : [])])].sort(),
    objects: uses('objects'),
    state: uses('state'),
    queries: loaded.some((file) => file.startsWith('shared/queries/')),
    appends: says('warehouse.append('),
    counts: says('platform.countDeadLetters'),
    connects: says('googleClusterAccess('),
    providers: loaded.includes(ACCOUNTS),
    identifies: says('createIdentify('),
    ticks: says("'/run'"),
    startsJob: says('platform.startJob'),
    config: [...own, textOf('functions/serve-function.ts')].flatMap((text) =>
      [...text.matchAll(/\b(?:config|google)\??\.(?!ts\b)(\w+)/g)].map(([, field = '']) => field),
    ),
    maxConcurrent: limitIn(own),
  };
}

/** Topics that are named for publishing, a function's quarantine among them. */
function publishedIn(code: string): readonly string[] {
  const named = Object.entries(EVENTS)
    .filter(([type]) => code.includes(`${type.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())}.topic`))
    .map(([, { topic }]) => topic);
  return [
    ...named,
    ...(code.includes('quarantineOver(') ? [EVENTS['event-rejected'].topic] : []),
    ...(code.includes('/promoted-event.ts') ? [EVENTS['model-promoted'].topic] : []),
  ].sort();
}

/** `maxConcurrent: NAME`, a constant of the same file or of the defaults; without one the usual limit. */
function limitIn(own: readonly string[]): number {
  for (const text of own) {
    const name = /\bmaxConcurrent: (\w+),/.exec(text)?.[1];
    const found = new RegExp(`^(?:export )?const ${name} = ([\\d_]+);`, 'm').exec(text + textOf('shared/defaults.ts'));
    if (name !== undefined) return Number(found?.[1]?.replaceAll('_', ''));
  }
  return MAX_CONCURRENT_REQUESTS;
}

/** Within it a job of train has to end by itself, host milliseconds. */
export const JOB_DEADLINE_MS = Number(
  /^const JOB_DEADLINE_MS = ([\d_]+);/m.exec(textOf('functions/train/index.ts'))?.[1]?.replaceAll('_', ''),
);

/** Variables of shared/config.ts, each with the field that it decides. */
export const CONFIG_FIELDS: ReadonlyMap<string, string> = new Map(
  [...textOf('shared/config.ts').matchAll(/^\s*(\w+): [^\n]*?(?:value\.|given\(')([A-Z][A-Z_]+)/gm)].map(
    ([, field = '', variable = '']) => [variable, field],
  ),
);
