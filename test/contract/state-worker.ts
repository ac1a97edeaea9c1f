import { hostClock } from '#shared/adapters/clock/host.ts';
import { createSqliteState } from '#shared/adapters/state/sqlite.ts';

/** A child process that shares a state file with its siblings: `file task times`. Prints a line for every write that it was promised. */
const [file = '', task, times = '0'] = process.argv.slice(2);
const state = await createSqliteState({ file, hostClock });
const print = (line: string): void => void process.stdout.write(`${line}\n`);

if (task === 'increment') {
  for (let done = 0; done < Number(times); ) {
    const { created, entry } = await state.create('counter', 1);
    if (created || (await state.swap('counter', entry.version, Number(entry.value) + 1)) !== null) done += 1;
  }
} else if (task === 'create') {
  const answers = await Promise.all(
    Array.from({ length: Number(times) }, (_, i) => state.create(`lease/${i}`, process.pid)),
  );
  for (const { created, entry } of answers) if (created) print(entry.key);
} else {
  for (let n = Number(times); ; n += 1) {
    const key = `sequence/${String(n).padStart(8, '0')}`;
    await Promise.all([state.create(key, n), state.create(`${key}/twin`, n)]);
    print(`${n}`);
  }
}
await state.close();
