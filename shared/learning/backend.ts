import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import util from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import { RejectedError } from '#shared/errors.ts';
import type { Manifest } from '#shared/registry/manifest.ts';

export type BackendName = Manifest['training']['backend'];

export interface Backend {
  readonly name: BackendName;
  /** Why each better one was passed over, for the log. */
  readonly skipped: readonly { readonly name: BackendName; readonly reason: string }[];
}

/** Optional, so the compiler must not look for it. */
const NATIVE_PACKAGE: string = '@tensorflow/tfjs-node';

const LOADERS: Readonly<Record<BackendName, () => Promise<unknown>>> = {
  tensorflow() {
    // The native binding still calls util.isNullOrUndefined, which Node 23 removed (tensorflow/tfjs#8609).
    if (!('isNullOrUndefined' in util)) Object.assign(util, { isNullOrUndefined: (value: unknown) => value == null });
    return import(NATIVE_PACKAGE);
  },
  async wasm() {
    const { setWasmPaths } = await import('@tensorflow/tfjs-backend-wasm');
    const home = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm/package.json'));
    setWasmPaths(`${join(home, 'wasm-out')}/`);
  },
  cpu: () => import('@tensorflow/tfjs-backend-cpu'),
};

/** Fastest first. Rows a second of training measured at 78k, 70k, 20k (batch 1024, 64-32). */
const PREFERENCE: readonly BackendName[] = ['tensorflow', 'wasm', 'cpu'];

/**
 * Makes the best available tfjs backend current. Any failure of one means the next: a native package that was installed
 * without its library throws an error with no code. `only` pins one, for reproducing a version bit for bit.
 * @throws RejectedError backend_unavailable when none works, with each reason
 */
export async function useBackend(only?: BackendName): Promise<Backend> {
  tf.env().set('PROD', true); // Silences the banner.
  const skipped: { name: BackendName; reason: string }[] = [];
  for (const name of only === undefined ? PREFERENCE : [only]) {
    try {
      await withoutProcessListeners(async () => {
        await LOADERS[name]();
        if (!(await tf.setBackend(name))) throw new Error(`backend ${name} did not initialise`);
        await tf.ready();
      });
      return { name, skipped };
    } catch (error) {
      skipped.push({ name, reason: error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error) });
    }
  }
  const reasons = skipped.map(({ name, reason }) => `${name}: ${reason}`).join('; ');
  const missing = only === undefined ? 'no tfjs backend works' : 'the tfjs backend asked for does not work';
  throw new RejectedError('backend_unavailable', `${missing} here: ${reasons}`);
}

/** The wasm glue (Emscripten) turns every unhandled rejection of the process into an abort; its listeners go again. */
async function withoutProcessListeners(load: () => Promise<void>): Promise<void> {
  const events = ['uncaughtException', 'unhandledRejection'] as const;
  const before = events.map((event) => new Set<unknown>(process.listeners(event as 'uncaughtException')));
  try {
    await load();
  } finally {
    for (const [i, event] of events.entries()) {
      for (const listener of process.listeners(event as 'uncaughtException'))
        if (before[i]?.has(listener) === false) process.removeListener(event, listener);
    }
  }
}
