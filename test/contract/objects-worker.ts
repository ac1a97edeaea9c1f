import { createFilesystemObjects } from '#shared/adapters/objects/filesystem.ts';
import { AuroraError } from '#shared/errors.ts';
import type { ObjectVersion, Precondition } from '#shared/ports/objects.ts';
import { contentOf } from './objects-sequence.ts';

/**
 * A child process that shares a store with its siblings: `directory task times`. Prints a line for every write that it was
 * promised. `times`: how often, or for `sequence` the number to start from.
 */
const [directory = '', task, count = '0'] = process.argv.slice(2);
const times = Number(count);
const objects = await createFilesystemObjects({ directory });
const print = (line: string): void => void process.stdout.write(`${line}\n`);

async function writeIf(name: string, text: string, precondition: Precondition): Promise<ObjectVersion | null> {
  try {
    return await objects.write(name, Buffer.from(text), precondition);
  } catch (error) {
    if (error instanceof AuroraError && error.code === 'object_precondition_failed') return null;
    throw error;
  }
}

if (task === 'increment') {
  for (let done = 0; done < times; ) {
    const found = await objects.read('counter');
    const next = found === null ? 1 : Number(Buffer.from(found.bytes).toString()) + 1;
    if ((await writeIf('counter', `${next}`, { generationMatch: found?.generation ?? '0' })) !== null) done += 1;
  }
} else if (task === 'create') {
  for (let i = 0; i < times; i += 1) {
    if ((await writeIf(`lease/${i}`, 'mine', { generationMatch: '0' })) !== null) print(`lease/${i}`);
  }
} else {
  for (let n = times; ; n += 1) {
    await objects.write('sequence', contentOf(n), {});
    print(`${n}`);
  }
}
await objects.close();
