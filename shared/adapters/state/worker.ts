/** Entry point of the thread: the file and its syncs, asked by messages. Time comes with each operation. */
import { workerData } from 'node:worker_threads';
import { serveThread } from '../thread/serve.ts';
import { createEngine, type Operation } from './engine.ts';
import { asStateError } from './failure.ts';
import { openTable } from './table.ts';

const { file } = workerData as { readonly file: string };

serveThread({
  unavailable: 'state_unavailable',
  named: (error) => asStateError(error, `open state store ${file}`),
  open() {
    const engine = createEngine(openTable(file));
    return async (method, [operation]) => (method === 'close' ? engine.close() : named(engine, operation as Operation));
  },
});

async function named(engine: ReturnType<typeof createEngine>, operation: Operation): Promise<unknown> {
  try {
    return await engine.run(operation);
  } catch (error) {
    throw asStateError(error, operation.kind);
  }
}
