import { RejectedError } from '#shared/errors.ts';
import type { ProviderClient } from '../client.ts';
import type { CallContext } from '../provider.ts';
import type { RenderBook } from './book.ts';
import { run } from './calls.ts';

/** What the container of a job's newest run has written, as the run holds it. `jobId` null: no id of a job. */
export function renderLogs(client: ProviderClient, book: RenderBook) {
  return async (jobId: string | null, context: CallContext): Promise<AsyncIterable<Uint8Array>> => {
    const none = (why: string): RejectedError => new RejectedError('logs_unavailable', `render job ${jobId}: ${why}`);
    const newest = jobId === null ? null : await book.runOf(jobId, context);
    if (newest === null) throw none('no run of it is known');
    const found = await client.askOrNull(run(newest.uuid), context);
    if (found === null) throw none('its run is no longer known');
    if (found.logs == null) throw none('it has written nothing yet');
    return inOnePiece(found.logs);
  };
}

async function* inOnePiece(text: string): AsyncGenerator<Uint8Array> {
  yield new TextEncoder().encode(text);
}
