import { resolve } from 'node:path';
import { type Command, EXIT } from '../command.ts';
import { withAccess } from '../ops/access.ts';
import { backup } from '../ops/backup.ts';

export const backupCommand: Command = {
  name: 'backup',
  summary: 'copy all state into an empty directory, while the stack runs or not',
  usage: 'DIRECTORY',
  options: {},
  help: {},
  notes: [
    'An object that is damaged is left out and named, all else is copied, and the exit code is 1; keep your older backups then.',
    'A copy that was cut short is refused as a start. Damage to a store itself ends the command.',
    'To restore: stop the stack, then start from the copy, or put a copy of it where the state was.',
  ],
  examples: ['vm backup /var/backups/aurora-monday', 'vm up --dir /var/backups/aurora-monday'],
  positionals: { min: 1, max: 1 },
  run: async ({ directory, json, print, note, positionals }) => {
    const to = resolve(positionals[0] ?? '');
    const copied = await withAccess(directory, 'backup', (access) => access.call(backup, { to }));
    for (const { why } of copied.not_copied) note(`not copied: ${why}`);
    const left = copied.not_copied.length;
    const without = left === 0 ? '' : ` without ${left} damaged object${left === 1 ? '' : 's'}`;
    print(json ? JSON.stringify(copied) : `copied to ${to}${without}; start from it with: vm up --dir ${to}`);
    return left === 0 ? EXIT.ok : EXIT.partial;
  },
};
