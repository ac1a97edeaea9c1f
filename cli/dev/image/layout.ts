/**
 * All that is in the image, in one folder:
 *   start.mjs        starts the function that FUNCTION_TARGET names
 *   functions/NAME/  a bundle each
 *   node_modules/    what stays outside of the bundles
 *   suites/          of the function probe
 *   warm.mjs         fills cache/, where the image is built
 *   package.json, LICENSE, sbom.cdx.json
 */
import { copyFile, cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { type Bundle, bundle, DEPLOYED } from '../bundle.ts';
import { closureOf, copyPackages, lockedPackages } from './packages.ts';
import { sbomOf } from './sbom.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

export interface Layout {
  readonly bundles: readonly Bundle[];
  /** Places in node_modules. */
  readonly packages: readonly string[];
}

/** @param directory is emptied first */
export async function makeLayout(directory: string): Promise<Layout> {
  await rm(directory, { recursive: true, force: true });
  const bundles: Bundle[] = [];
  for (const name of DEPLOYED) bundles.push(await bundle(name, join(directory, 'functions')));
  const needs = [...new Set(bundles.flatMap((made) => made.needs))].sort();
  const locked = await lockedPackages(ROOT);
  const packages = closureOf(locked, needs);
  await copyPackages(ROOT, locked, packages, directory);
  await build({
    entryPoints: ['start', 'warm'].map((name) => fileURLToPath(new URL(`${name}.ts`, import.meta.url))),
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    outdir: directory,
    outExtension: { '.js': '.mjs' },
    logLevel: 'silent',
  });
  const { version, license, dependencies } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
    readonly version: string;
    readonly license: string;
    readonly dependencies: Readonly<Record<string, string>>;
  };
  const sbom = sbomOf({ version, packages: locked, places: [...packages, ...bundles.flatMap(({ holds }) => holds)] });
  const own = {
    name: 'aurora-image',
    version,
    license,
    private: true,
    type: 'module',
    dependencies: Object.fromEntries(needs.map((name) => [name, dependencies[name]])),
  };
  const files = { 'package.json': own, 'sbom.cdx.json': sbom };
  for (const [name, json] of Object.entries(files))
    await writeFile(join(directory, name), `${JSON.stringify(json, null, 2)}\n`);
  await cp(join(ROOT, 'shared/probes/suites'), join(directory, 'suites'), { recursive: true });
  await copyFile(join(ROOT, 'LICENSE'), join(directory, 'LICENSE'));
  await mkdir(join(directory, 'cache'));
  return { bundles, packages };
}
