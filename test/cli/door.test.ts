import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { withDoor } from '#cli/door/door.ts';
import { closeServer, listenOnLoopback } from '#test/support/loopback.ts';

let answer: (request: IncomingMessage, response: ServerResponse) => void;
let url: string;
const server = createServer((request, response) => answer(request, response));
beforeEach(async () => {
  url = await listenOnLoopback(server);
});
afterEach(() => closeServer(server));

/** What came, and how it ended. */
async function streamed(): Promise<{ readonly text: string; readonly error: unknown }> {
  let text = '';
  try {
    await withDoor({ directory: 'nowhere', url }, async (door) => {
      for await (const part of door.stream('/deployments/x/logs')) text += part;
    });
    return { text, error: null };
  } catch (error) {
    return { text, error };
  }
}

it('a log that is whole is given as it came, characters that were cut in two among them', async () => {
  const bytes = Buffer.from('frame 1 \u00e9\n');
  answer = (_, response) => {
    response.write(bytes.subarray(0, 9));
    setImmediate(() => response.end(bytes.subarray(9)));
  };
  expect(await streamed()).toEqual({ text: 'frame 1 \u00e9\n', error: null });
});

it('a log that breaks off is no whole one: what came is there, and the door is named', async () => {
  answer = (_, response) => {
    response.write('frame 1\n', () => setImmediate(() => response.destroy()));
  };
  expect(await streamed()).toMatchObject({
    text: 'frame 1\n',
    error: { code: 'stack_unreachable', message: expect.stringContaining(`${url}/deployments/x/logs broke off`) },
  });
});

it('a refusal comes as the door said it', async () => {
  answer = (_, response) => {
    response.writeHead(404, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ error: { code: 'logs_unavailable', message: 'it writes none' } }));
  };
  expect(await streamed()).toMatchObject({ text: '', error: { code: 'logs_unavailable', message: 'it writes none' } });
});
