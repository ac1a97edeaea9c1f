/**
 * Makes the content of the image: npm run build [-- DIRECTORY], default dist/image. One line for each bundle, with its size.
 */
import { resolve } from 'node:path';
import { makeLayout } from './image/layout.ts';

const [directory = 'dist/image', ...rest] = process.argv.slice(2);
if (rest.length > 0 || directory.startsWith('-')) {
  console.error(`expected a directory or nothing, got ${process.argv.slice(2).join(' ')}`);
  process.exitCode = 2;
} else {
  const { bundles, packages } = await makeLayout(resolve(directory));
  for (const { name, bytes, needs } of bundles)
    console.log(`functions/${name}: ${(bytes / 1e6).toFixed(1)} MB, needs ${needs.join(', ')}`);
  console.log(`node_modules: ${packages.length} packages`);
}
