import { describe, expect, test } from 'vitest';
import { closureOf, isLoaded, type Packages } from '#cli/dev/image/packages.ts';

const packages: Packages = {
  '': {},
  'node_modules/a': { dependencies: { b: '1', c: '1', '@types/a': '1' } },
  'node_modules/a/node_modules/c': { dependencies: { d: '1', b: '1' } },
  'node_modules/b': { dependencies: { a: '1' } },
  'node_modules/c': {},
  'node_modules/d': { peerDependencies: { e: '1', f: '1' }, peerDependenciesMeta: { f: { optional: true } } },
  'node_modules/e': {},
  'node_modules/lost': { dependencies: { gone: '1' } },
};

describe('what a package needs', () => {
  test.each<[string, readonly string[], readonly string[]]>([
    ['nothing', ['c'], ['node_modules/c']],
    [
      'each other, a copy of their own, and a peer; no types, nothing optional',
      ['a'],
      ['node_modules/a', 'node_modules/a/node_modules/c', 'node_modules/b', 'node_modules/d', 'node_modules/e'],
    ],
  ])('is %s', (_, names, places) => {
    expect(closureOf(packages, names)).toEqual(places);
  });

  test.each([
    ['lost', 'package-lock.json has no gone, which node_modules/lost needs'],
    ['gone', 'package-lock.json has no gone, which the image needs'],
  ])('is missed when the lock file lacks it: %s', (name, message) => {
    expect(() => closureOf(packages, [name])).toThrow(message);
  });
});

describe('of a package', () => {
  test.each([
    ['node_modules/qs', '', true],
    ['node_modules/qs', 'lib/index.js', true],
    ['node_modules/qs', 'LICENSE', true],
    ['node_modules/qs', 'node_modules/x/index.js', false],
    ['node_modules/qs', 'lib/index.js.map', false],
    ['node_modules/qs', 'lib/index.d.mts', false],
    ['node_modules/qs', 'README.md', false],
    ['node_modules/@tensorflow/tfjs-core', 'dist/tf-core.node.js', true],
    ['node_modules/@tensorflow/tfjs-core', 'dist/tf-core.min.js', false],
    ['node_modules/@tensorflow/tfjs-core', 'dist/kernels', false],
    ['node_modules/@tensorflow/tfjs-backend-wasm', 'wasm-out/tfjs-backend-wasm-simd.wasm', true],
    ['node_modules/@tensorflow/tfjs-backend-wasm', 'wasm-out/tfjs-backend-wasm.d.ts', false],
  ])('%s, %s is copied: %s', (place, file, copied) => {
    expect(isLoaded(place, file)).toBe(copied);
  });
});
