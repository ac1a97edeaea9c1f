/**
 * Bundles every deployed function: npm run build [-- DIRECTORY], default dist/functions. One line for each, with its size.
 */
import { rm } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { bundle, DEPLOYED } from './bundle.ts';

const [directory = 'dist/functions', ...rest] = process.argv.slice(2);
if (rest.length > 0 || directory.startsWith('-')) {
  console.error(`expected a directory or nothing, got ${process.argv.slice(2).join(' ')}`);
  process.exitCode = 2;
} else {
  const target = resolve(directory);
  await rm(target, { recursive: true, force: true });
  for (const name of DEPLOYED) {
    const { directory: made, bytes, needs } = await bundle(name, target);
    const beside = needs.length === 0 ? 'nothing beside it' : `beside it ${needs.join(', ')}`;
    console.log(`${relative('', made)}: ${(bytes / 1e6).toFixed(1)} MB, ${beside}`);
  }
}
