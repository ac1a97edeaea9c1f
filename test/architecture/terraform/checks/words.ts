/** What people read: descriptions, refusals, and terraform/README.md. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Check, differing, functionsOf } from '../check.ts';
import { allResources, foldersOf, namedIn, type Parsed, TERRAFORM } from '../parsed.ts';

const readme = readFileSync(join(TERRAFORM, 'README.md'), 'utf8');
/** Rows of the table under a heading, each as its cells. */
function tableUnder(heading: string): readonly (readonly string[])[] {
  const section = readme.slice(readme.indexOf(`\n## ${heading}\n`)).split(/\n## /)[1] ?? '';
  return section
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}
const quoted = (cell = ''): readonly string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name);

const described = (parsed: Parsed, kind: 'variable' | 'output') =>
  foldersOf(parsed).flatMap((folder) =>
    [...namedIn(parsed, folder, kind)].map(([name, block]) => ({ at: `${folder}: ${name}`, block })),
  );

function variables(parsed: Parsed): readonly string[] {
  return described(parsed, 'variable').flatMap(({ at, block }) => {
    const rules = (block['validation'] ?? []) as readonly { readonly error_message?: string }[];
    return [
      ...(/\.$/.test(String(block['description'])) ? [] : [`${at} is not described`]),
      ...(rules.length > 0 && rules.every(({ error_message = '' }) => /^Expected .+\.$/.test(error_message))
        ? []
        : [`${at} refuses nothing`]),
    ];
  });
}

/** For whoever impersonates a caller. */
const BESIDE = ['iamcredentials'];
/** APIs that must be on, by the kinds of resources. */
const API: Readonly<Record<string, string>> = {
  artifact_registry: 'artifactregistry',
  bigquery: 'bigquery',
  cloud_run: 'run',
  cloud_scheduler: 'cloudscheduler',
  logging: 'logging',
  monitoring: 'monitoring',
  project: 'cloudresourcemanager',
  pubsub: 'pubsub',
  secret_manager: 'secretmanager',
  service_account: 'iam',
  storage: 'storage',
};

export const WORDS: readonly Check[] = [
  { says: 'every variable says what it is and refuses what it cannot be', breaches: variables },
  {
    says: 'every output says what it is',
    breaches: (parsed) =>
      described(parsed, 'output').flatMap(({ at, block }) => (/\.$/.test(String(block['description'])) ? [] : [at])),
  },
  {
    says: 'README: every folder has its row',
    breaches: (parsed) => {
      const rows = tableUnder('What is where').flatMap(([cell]) => quoted(cell));
      return differing(
        'What is where',
        rows.filter((name) => !/^(kubernetes|schemas|topology)/.test(name)),
        foldersOf(parsed),
      );
    },
  },
  {
    says: 'README: every function has its row, and the row is true',
    breaches: (parsed) => {
      const functions = functionsOf(parsed);
      const rows = new Map(tableUnder('The functions').map(([name, ...cells]) => [quoted(name)[0] ?? '', cells]));
      return [
        ...differing('The functions', rows.keys(), Object.keys(functions)),
        ...Object.entries(functions).flatMap(([name, { publishes, reads, writes, queries, appends, every }]) => {
          const [calledBy = '', published, read, written, record = ''] = rows.get(name) ?? [];
          return [
            ...differing(
              `${name}: publishes`,
              quoted(published),
              publishes.filter((topic) => topic !== 'rejected-events'),
            ),
            ...differing(`${name}: reads`, quoted(read), reads),
            ...differing(`${name}: writes`, quoted(written), writes),
            ...(record === (queries ? 'queries' : appends ? 'appends' : '') ? [] : [`${name}: record, ${record}`]),
            ...differing(
              `${name}: called at`,
              quoted(/the clock, (`[^`]+`)/.exec(calledBy)?.[1]),
              every === null ? [] : [every],
            ),
          ];
        }),
      ];
    },
  },
  {
    says: 'README: every output has its row',
    breaches: (parsed) =>
      differing(
        'What it says',
        tableUnder('What it says').flatMap(([cell]) => quoted(cell)),
        namedIn(parsed, 'aurora', 'output').keys(),
      ),
  },
  {
    says: 'README: the walk turns on the APIs that are used',
    breaches: (parsed) => {
      const used = allResources(parsed).map(
        ({ type }) => Object.entries(API).find(([kind]) => type.startsWith(`google_${kind}`))?.[1] ?? type,
      );
      const enabled = [
        ...(/gcloud services enable([^`]+?)\n```/s.exec(readme)?.[1] ?? '').matchAll(/(\w+)\.googleapis\.com/g),
      ];
      return differing(
        'services',
        enabled.map(([, name = '']) => name),
        [...used, ...BESIDE],
      );
    },
  },
];
