#!/usr/bin/env node
// `vm`: runs cli/main.ts on the Node 24 that npm installed with the project, whatever Node started this file.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

if (Number(process.versions.node.split('.')[0]) >= 24) await runHere();
else runOnLocalNode();

/** In this process, so that a signal to it is a signal to the stack. */
async function runHere() {
  // Node's own, in the folder for temporary files: the second command starts in two thirds of the time of the first.
  (await import('node:module')).enableCompileCache();
  const emit = process.emitWarning.bind(process);
  // node:sqlite says on every start that it is experimental; docs/decisions/ says why we use it all the same.
  process.emitWarning = (warning, ...rest) => {
    if (!String(warning).includes('SQLite')) emit(warning, ...rest);
  };
  // `vm replay … | head -2`: whoever reads has enough; the command itself goes on to its end.
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error) => {
      if (error.code !== 'EPIPE') throw error;
    });
  const main = await loaded();
  process.exitCode = await main(process.argv.slice(2));
}

/** Node would end with 1, which commands mean something else by. */
async function loaded() {
  try {
    return (await import('./main.ts')).main;
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    console.error(`vm: ${error.message}\n    node_modules is not whole. Run: npm ci`);
    process.exit(3);
  }
}

function runOnLocalNode() {
  const local = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url));
  if (!existsSync(local)) {
    console.error(`vm needs Node 24; this is ${process.version} and node_modules/node is missing. Run: npm ci`);
    process.exit(3);
  }
  const child = spawn(local, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' });
  // The terminal sends Ctrl-C to both; a supervisor signals only this one.
  process.on('SIGINT', () => undefined);
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(signal === null ? (code ?? 1) : 128 + constants.signals[signal]));
}
