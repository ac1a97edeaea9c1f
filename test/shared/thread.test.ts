import { expect, test } from 'vitest';
import { openThread } from '#shared/adapters/thread/client.ts';
import { createLog } from '#shared/telemetry/log.ts';

/** Answers every call, and cannot close. */
const WORKER = `
  import { parentPort } from 'node:worker_threads';
  const error = { kind: 'transient', code: 'disk_full', message: 'no space left' };
  parentPort.on('message', (calls) =>
    parentPort.postMessage({
      type: 'answers',
      answers: calls.map(({ id, method }) => (method === 'close' ? { id, error } : { id, value: method })),
    }),
  );
  parentPort.postMessage({ type: 'opened' });
`;

test('a thread that cannot close ends all the same, and says why', async () => {
  const thread = await openThread({
    url: new URL(`data:text/javascript,${encodeURIComponent(WORKER)}`),
    workerData: null,
    name: 'the store',
    unavailable: 'state_unavailable',
    log: createLog({ level: 'silent' }),
  });
  expect(await thread.call('look')).toBe('look');
  await expect(thread.close()).rejects.toMatchObject({ code: 'disk_full' });
  await expect(thread.call('look')).rejects.toMatchObject({ code: 'state_unavailable' });
});
