/**
 * Preloaded with --import: writes to the file named by BENCH_MODULES, as JSON, the URL of every module that the process has
 * loaded by the time it is told to end.
 */
import { writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';

const file = process.env['BENCH_MODULES'];
const urls = new Set<string>();

registerHooks({
  load(url, context, nextLoad) {
    urls.add(url);
    return nextLoad(url, context);
  },
});

if (file !== undefined) process.on('exit', () => writeFileSync(file, JSON.stringify([...urls])));
