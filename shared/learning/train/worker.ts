import { parentPort } from 'node:worker_threads';
import { RejectedError } from '#shared/errors.ts';
import type { Example } from '../example.ts';
import { trainModel } from './index.ts';
import type { FromWorker, RejectedCode, ToWorker } from './protocol.ts';

/** Thread of one training: gathers rows, trains, answers once. Anything but a refusal of the data is a crash. */
if (parentPort === null) throw new Error('worker.ts runs in a worker thread only');
const port = parentPort;
const rows: Example[] = [];

const tell = (message: FromWorker): void => port.postMessage(message);

port.on('message', async (message: ToWorker) => {
  if (message.kind === 'rows') {
    rows.push(...message.rows);
    return;
  }
  try {
    const model = await trainModel({ ...message.request, examples: rows }, (progress) =>
      tell({ kind: 'progress', progress }),
    );
    tell({ kind: 'done', model });
  } catch (error) {
    if (!(error instanceof RejectedError)) throw error;
    tell({ kind: 'rejected', code: error.code as RejectedCode, message: error.message });
  }
  port.close();
});
