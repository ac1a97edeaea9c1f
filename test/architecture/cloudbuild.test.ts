/** The build as data, held against what it calls. Cloud Build itself cannot be had here. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { readOptions } from '#cli/dev/deploy/options.ts';
import { parseDockerfile } from '#test/support/dockerfile.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8');

interface Step {
  readonly id: string;
  readonly name: string;
  readonly entrypoint?: string;
  readonly args: readonly string[];
  readonly allowFailure?: boolean;
}
interface Build {
  readonly substitutions: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, unknown>>;
  readonly steps: readonly Step[];
  readonly images: readonly string[];
  readonly serviceAccount: string;
}

const text = read('cloudbuild.yaml');
const build = parse(text) as Build;
const { scripts } = JSON.parse(read('package.json')) as { scripts: Readonly<Record<string, string>> };

/** What Cloud Build itself knows of every build. */
const GIVEN: Readonly<Record<string, string>> = { PROJECT_ID: 'my-project', BUILD_ID: '0c0ffee0-1' };
const filledIn = (value: string): string =>
  value.replaceAll(/\$\{(\w+)\}/g, (_, name: string) =>
    filledIn(build.substitutions[name] ?? GIVEN[name] ?? `?${name}?`),
  );
const step = (id: string): Step => {
  const found = build.steps.find((one) => one.id === id);
  if (found === undefined) throw new Error(`no step ${id}`);
  return { ...found, name: filledIn(found.name), args: found.args.map(filledIn) };
};

test('declares every substitution that it uses, and uses all that it declares', () => {
  const used = new Set([...text.matchAll(/\$\{?(\w+)/g)].map(([, name]) => name));
  expect(used).toEqual(new Set([...Object.keys(build.substitutions), ...Object.keys(GIVEN)]));
});

test('goes through its steps in this order', () => {
  expect(build.steps.map(({ id }) => id)).toEqual([
    ...['install', 'check', 'test', 'image', 'push', 'bundle', 'sbom-of-ours', 'release', 'sbom-of-all'],
  ]);
  expect(build.steps.filter(({ allowFailure }) => allowFailure).map(({ id }) => id)).toEqual(['sbom-of-all']);
});

test('calls npm with what there is', () => {
  const calls = build.steps.filter(({ entrypoint }) => entrypoint === 'npm').map(({ args }) => args);
  expect(calls).toEqual([['ci'], ['run', 'check'], ['test'], ['run', 'build']]);
  for (const args of calls) if (args[0] !== 'ci') expect(scripts).toHaveProperty(args.at(-1) ?? '');
});

test('builds the image on the base that the tests ran on', () => {
  const { args } = step('image');
  expect(args).toContain(`--build-arg=NODE_IMAGE=${build.substitutions['_NODE_IMAGE']}`);
  expect(Object.keys(parseDockerfile(read('Dockerfile')).args)).toEqual(['NODE_IMAGE']);
  for (const id of ['install', 'check', 'test', 'bundle'])
    expect(step(id).name).toBe(build.substitutions['_NODE_IMAGE']);
});

test('names no image by the tag latest', () => {
  expect(text).not.toMatch(/:latest\b/);
  // Of Google's builders only the one that has Docker comes without a tag: it has none that stays.
  const untagged = build.steps.map(({ id }) => step(id).name).filter((name) => !/:[\w.-]+$/.test(name));
  expect(new Set(untagged)).toEqual(new Set(['gcr.io/cloud-builders/docker']));
});

test('pushes one image twice: before the release, and at the end, which leaves its provenance', () => {
  const tags = step('image')
    .args.filter((arg) => arg.startsWith('--tag='))
    .map((arg) => arg.slice('--tag='.length));
  expect([...step('push').args.slice(1), ...build.images.map(filledIn)]).toEqual(tags);
  expect(new Set(tags).size).toBe(2);
  expect(build.options).toMatchObject({ requestedVerifyOption: 'VERIFIED', dynamicSubstitutions: true });
});

test('releases with the script of npm run deploy, which takes its words', () => {
  const { entrypoint, args } = step('release');
  expect(`node ${args[0]}`).toBe(scripts['deploy']);
  expect(entrypoint).toBe('/workspace/node_modules/.bin/node');
  const { wanted } = readOptions(args.slice(1));
  expect(wanted).toMatchObject({
    image: 'europe-west1-docker.pkg.dev/my-project/aurora/functions:build-0c0ffee0-1',
    project: 'my-project',
    region: 'europe-west1',
    caller: null,
    percent: 10,
    watchMs: 180_000,
    back: false,
  });
});

test('lists what the image holds as the image itself does', () => {
  expect(step('sbom-of-ours').args).toContain('--source=dist/image/sbom.cdx.json');
  expect(scripts['build']).toBe('node cli/dev/build.ts');
});
