/**
 * The program of the image: starts the function that FUNCTION_TARGET names. In: the folders of functions/ beside it. What it
 * compiles comes from the folder cache/ beside it, which warm.mjs filled. Why it cannot start is one line of JSON on stderr, exit
 * code 1, as serve-function.ts says it.
 */
import { readdirSync } from 'node:fs';
import { enableCompileCache, getCompileCacheDir } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { errorBody, RejectedError } from '#shared/errors.ts';

const here = import.meta.dirname;
const functions = readdirSync(join(here, 'functions')).sort();
const target = process.env['FUNCTION_TARGET'] ?? '';

if (functions.includes(target)) {
  const directory = join(here, 'cache');
  enableCompileCache({ directory, portable: true });
  // Threads have a switch of their own.
  process.env['NODE_COMPILE_CACHE'] ??= directory;
  process.env['NODE_COMPILE_CACHE_PORTABLE'] ??= '1';
  if (process.env['NODE_DISABLE_COMPILE_CACHE'] !== '1' && isEmpty(getCompileCacheDir())) {
    const message = 'the compile cache was made by another Node, user or kind of CPU: this start is slower';
    process.stdout.write(`${JSON.stringify({ severity: 'NOTICE', message })}\n`);
  }
  await import(pathToFileURL(join(here, 'functions', target, 'index.mjs')).href);
} else {
  const message = `FUNCTION_TARGET=${JSON.stringify(target)}: expected one of ${functions.join(', ')}`;
  process.stderr.write(`${JSON.stringify(errorBody(new RejectedError('config_invalid', message)))}\n`);
  process.exitCode = 1;
}

function isEmpty(directory: string | undefined): boolean {
  return directory === undefined || readdirSync(directory).length === 0;
}
