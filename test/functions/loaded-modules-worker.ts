/** Imports the module named by the argument and prints the URL of every module that this loaded, require()d ones included. */
import { registerHooks } from 'node:module';

const loaded = new Set<string>();
registerHooks({
  load(url, context, next) {
    loaded.add(url);
    return next(url, context);
  },
});
await import(String(process.argv[2]));
process.stdout.write(`${JSON.stringify([...loaded])}\n`);
