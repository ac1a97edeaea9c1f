import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { type Child, startChild } from '#test/support/child.ts';

const CHILD = fileURLToPath(new URL('./hosts-drain-child.ts', import.meta.url));
const FRAMEWORK = fileURLToPath(new URL('./main.js', import.meta.resolve('@google-cloud/functions-framework')));

const MODES: readonly (readonly [string, string, readonly string[]])[] = [
  ['lean host', CHILD, ['lean']],
  ['framework host', CHILD, ['framework']],
  ["framework's own command", FRAMEWORK, [`--source=${CHILD}`, '--target=slow', '--port=0']],
];

const children: Child[] = [];
afterEach(() => {
  for (const { child } of children.splice(0)) child.kill('SIGKILL');
});

async function start(script: string, args: readonly string[]) {
  const running = startChild(script, args);
  children.push(running);
  const exited = once(running.child, 'exit') as Promise<[number | null, string | null]>;
  let ports: readonly number[] | undefined;
  for (let lines = 1; ports === undefined; lines++) {
    await running.linesReach(lines);
    const line = running.lines().find((text) => text.startsWith('listening '));
    ports = line?.split(' ').slice(1).map(Number);
  }
  const [port = 0, controlPort = 0] = ports;
  return { running, exited, url: `http://127.0.0.1:${port}`, control: `http://127.0.0.1:${controlPort}` };
}

async function said(running: Child, line: string): Promise<void> {
  while (!running.lines().includes(line)) await running.linesReach(running.lines().length + 1);
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test.each(MODES)(`%s: ${signal} answers what is under way, then exits 0`, async (_, script, args) => {
    const { running, exited, url, control } = await start(script, args);
    const slow = fetch(`${url}/slow`, { method: 'POST' });
    await said(running, 'started');
    running.child.kill(signal);
    // The process says that it drains before anything is released, so nothing here depends on speed.
    while (!running.problems().includes('"draining"')) await once(running.child.stderr ?? process.stderr, 'data');
    await expect(fetch(`${url}/health`)).rejects.toThrow();
    await fetch(`${control}/release`, { method: 'POST' });
    const response = await slow;
    expect([response.status, response.headers.get('connection'), await response.json()]).toEqual([
      200,
      'close',
      { answered: true },
    ]);
    expect(await exited).toEqual([0, null]);
    expect(running.lines().slice(-2)).toEqual(['stopped', 'finished']);
  });
}

test.each(MODES.slice(0, 2))('%s: what does not end within the limit is ended, exit 1', async (_, script, args) => {
  const { running, exited, url } = await start(script, [...args, 'impatient']);
  const slow = fetch(`${url}/slow`, { method: 'POST' }).then(
    () => 'answered',
    () => 'cut',
  );
  await said(running, 'started');
  running.child.kill('SIGTERM');
  expect(await exited).toEqual([1, null]);
  expect(await slow).toBe('cut');
  expect(running.problems()).toContain('not drained within the limit');
});

test('a second signal ends at once', async () => {
  const { running, exited, url } = await start(CHILD, ['lean']);
  const slow = fetch(`${url}/slow`, { method: 'POST' }).catch(() => 'cut');
  await said(running, 'started');
  running.child.kill('SIGINT');
  while (!running.problems().includes('"draining"')) await once(running.child.stderr ?? process.stderr, 'data');
  running.child.kill('SIGINT');
  expect(await exited).toEqual([1, null]);
  expect(await slow).toBe('cut');
});

test("under the framework's own command a broken body meets our gate, not its page with a stack", async () => {
  const [, script = '', args = []] = MODES[2] ?? [];
  const { url } = await start(script, args);
  const headers = { 'content-type': 'application/json' };
  const broken = await fetch(`${url}/nope`, { method: 'POST', headers, body: '{broken' });
  expect([broken.status, await broken.json()]).toEqual([
    404,
    { error: expect.objectContaining({ code: 'not_found' }) },
  ]);
  const large = await fetch(`${url}/slow`, { method: 'POST', headers, body: new Uint8Array(256 * 1024 + 1) });
  expect([large.status, await large.json()]).toEqual([
    413,
    { error: expect.objectContaining({ code: 'body_too_large' }) },
  ]);
});
