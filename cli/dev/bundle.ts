/**
 * The functions as they are deployed: one bundle each. In: the checkout. Out: `<directory>/<function>/index.mjs` with its workers
 * beside it, and package.json, which names what the bundle does not hold.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Plugin } from 'esbuild';
import { COMPOSERS } from '#functions/composers.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export type Deployed = keyof typeof COMPOSERS;
export const DEPLOYED = Object.keys(COMPOSERS) as readonly Deployed[];

/**
 * Not in a bundle. functions-framework: its register of functions is a variable of its module, of which there must be one. tfjs:
 * its backends register as a side effect, and wasm lies beside its code.
 */
const EXTERNAL = [
  '@google-cloud/functions-framework',
  '@tensorflow/tfjs-core',
  '@tensorflow/tfjs-layers',
  '@tensorflow/tfjs-backend-cpu',
  '@tensorflow/tfjs-backend-wasm',
] as const;

export interface Bundle {
  readonly name: Deployed;
  readonly directory: string;
  /** Bytes of all files. */
  readonly bytes: number;
  /** External packages that it imports. */
  readonly needs: readonly string[];
  /** Places of the packages of which it holds code: `node_modules/zod`. */
  readonly holds: readonly string[];
}

export async function bundle(name: Deployed, directory: string): Promise<Bundle> {
  const outdir = join(directory, name);
  const workers = new Set<string>();
  const main = await build({
    ...COMMON,
    stdin: { contents: entryOf(name), resolveDir: ROOT, sourcefile: `${name}.ts`, loader: 'ts' },
    outdir,
    entryNames: 'index',
    // What is imported when it is asked for stays apart: score never parses the clients that others load.
    splitting: true,
    chunkNames: 'parts/[name]-[hash]',
    outExtension: { '.js': '.mjs' },
    plugins: [onlyTheCloud, workersBeside(workers)],
  });
  const beside = await Promise.all(
    [...workers].map((file) =>
      build({
        ...COMMON,
        entryPoints: [file],
        outfile: join(outdir, workerName(file)),
        plugins: [onlyTheCloud],
      }),
    ),
  );
  const outputs = [main, ...beside].flatMap(({ metafile }) => Object.values(metafile.outputs));
  const imported = new Set(
    outputs.flatMap(({ imports }) => imports.filter(({ external }) => external).map(({ path }) => path)),
  );
  const needs = EXTERNAL.filter((package_) => imported.has(package_));
  await writeFile(join(outdir, 'package.json'), await packageOf(name, needs));
  const holds = outputs.flatMap(({ inputs }) => Object.keys(inputs).flatMap((file) => PLACE.exec(file)?.[0] ?? []));
  return {
    name,
    directory: outdir,
    bytes: outputs.reduce((sum, { bytes }) => sum + bytes, 0),
    needs,
    holds: [...new Set(holds)].sort(),
  };
}

/** Of the package that a file belongs to; packages within packages have the longest. */
const PLACE = /node_modules\/(?:.*\/node_modules\/)?(?:@[^/]+\/)?[^/]+(?=\/)/;

const COMMON: BuildOptions & { readonly metafile: true } = {
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  minifySyntax: true,
  minifyWhitespace: true,
  // Names in stacks are worth more than the bytes.
  keepNames: true,
  legalComments: 'none',
  metafile: true,
  logLevel: 'silent',
  external: [...EXTERNAL],
  // What was written for CommonJS asks for it.
  banner: {
    js: `import { createRequire as __createRequire } from 'node:module'; import { fileURLToPath as __toPath } from 'node:url'; const require = __createRequire(import.meta.url); const __filename = __toPath(import.meta.url); const __dirname = __toPath(new URL('.', import.meta.url));`,
  },
};

const entryOf = (name: Deployed): string =>
  [
    `import { serveFunction } from './functions/serve-function.ts';`,
    `import { compose } from './functions/${name}/index.ts';`,
    // Where the workers lie, whichever part asks for them.
    `globalThis.auroraBundle = import.meta.url;`,
    `await serveFunction({ ${name}: (platform) => compose(platform) });`,
  ].join('\n');

/** The embedded platform stays at home, and its engines with it. */
const onlyTheCloud: Plugin = {
  name: 'only-the-cloud',
  setup(esbuild) {
    esbuild.onResolve({ filter: /platform-embedded\.ts$/ }, ({ path }) => ({ path, namespace: 'at-home' }));
    esbuild.onLoad({ filter: /.*/, namespace: 'at-home' }, () => ({
      resolveDir: ROOT,
      loader: 'ts',
      contents: `import { RejectedError } from '#shared/errors.ts';
export const createEmbeddedPlatform = () => Promise.reject(new RejectedError('config_invalid', 'AURORA_PLATFORM=embedded: this bundle holds the cloud alone; use AURORA_PLATFORM=gcp'));`,
    }));
  },
};

const WORKER_URL = /new URL\('(\.\/worker\.ts)', import\.meta\.url\)/g;
const workerName = (file: string): string => `${basename(dirname(file))}-worker.mjs`;

/** A worker is a program of its own: bundled beside, and asked for by its new name. */
const workersBeside = (found: Set<string>): Plugin => ({
  name: 'workers-beside',
  setup(esbuild) {
    esbuild.onLoad({ filter: /\/(functions|shared)\/.*\.ts$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      if (!text.includes(`'./worker.ts', import.meta.url`)) return null;
      const contents = text.replaceAll(WORKER_URL, (_, specifier: string) => {
        const file = join(dirname(path), specifier);
        found.add(file);
        return `new URL('./${workerName(file)}', globalThis.auroraBundle)`;
      });
      return { contents, loader: 'ts' };
    });
  },
});

async function packageOf(name: Deployed, needs: readonly string[]): Promise<string> {
  const { version, license, dependencies } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as {
    readonly version: string;
    readonly license: string;
    readonly dependencies: Readonly<Record<string, string>>;
  };
  return `${JSON.stringify(
    {
      name: `aurora-${name}`,
      version,
      license,
      private: true,
      type: 'module',
      main: 'index.mjs',
      engines: { node: '>=24' },
      dependencies: Object.fromEntries(needs.map((package_) => [package_, dependencies[package_]])),
    },
    null,
    2,
  )}\n`;
}
