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
  notes: ['To restore: stop the stack, then start from the copy, or put a copy of it where the state was.'],
  examples: ['vm backup /var/backups/aurora-monday', 'vm up --dir /var/backups/aurora-monday'],
  positionals: { min: 1, max: 1 },
  run: async ({ directory, json, print, positionals }) => {
    const to = resolve(positionals[0] ?? '');
    await withAccess(directory, 'backup', (access) => access.call(backup, { to }));
    print(json ? JSON.stringify({ to }) : `copied to ${to}; start from it with: vm up --dir ${to}`);
    return EXIT.ok;
  },
};
