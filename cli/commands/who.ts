import { userInfo } from 'node:os';
import { name } from '#shared/domain/primitives.ts';
import { RejectedError } from '#shared/errors.ts';

/** Who did it, for the records: `--by`, or the user of this machine. @throws RejectedError usage */
export function whoOf({ by }: Readonly<Record<string, string | boolean | undefined>>): string {
  if (by === undefined) return thisUser();
  const parsed = name.safeParse(by);
  if (parsed.success) return parsed.data;
  throw new RejectedError('usage', `--by takes a name of 1 to 128 printable characters, got ${JSON.stringify(by)}`);
}

function thisUser(): string {
  try {
    return `vm:${userInfo().username}`;
  } catch (error) {
    // In a container a user id may have no name.
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error;
    return `vm:uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
