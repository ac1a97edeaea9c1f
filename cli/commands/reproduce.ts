import { setTimeout as sleep } from 'node:timers/promises';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { TransientError } from '#shared/errors.ts';
import type { TrainProgress } from '#shared/learning/train/index.ts';
import type { Reproduction } from '#shared/learning/train/reproduction.ts';
import { type Command, EXIT } from '../command.ts';
import { type Access, withAccess } from '../ops/access.ts';
import { beginReproduction, lookAtReproduction } from '../ops/reproduction.ts';
import { type Screen, screenOf } from '../stack/screen.ts';
import { table } from '../table.ts';

const POLL_MS = 250;
/** The training has a limit of its own; the rest is for reading the record. */
const LIMIT_MS = 15 * 60_000;

export const reproduceCommand: Command = {
  name: 'models reproduce',
  summary: 'train a version again from its manifest and the record, and compare the bytes',
  usage: 'VERSION [options]',
  options: {},
  help: {},
  notes: [
    'Changes nothing. Exit code 1: something came out otherwise; a build that trains in another way may do that.',
    'Refused where the record has changed since, or lacks the rows by now: then ask a backup (--dir).',
  ],
  examples: ['vm models reproduce v0123456789abcdef', 'vm models reproduce v0123456789abcdef --json'],
  positionals: { min: 1, max: 1 },
  run: async ({ directory, json, print, positionals }) => {
    const version = positionals[0] ?? '';
    const reproduction = await withAccess(directory, 'models reproduce', (access) =>
      reproduced(access, version, screenOf(process.stderr)),
    );
    print(json ? JSON.stringify(reproduction) : textOf(reproduction));
    return reproduction.reproduced ? EXIT.ok : EXIT.partial;
  },
};

async function reproduced(access: Access, version: string, screen: Screen): Promise<Reproduction> {
  await access.call(beginReproduction, { version });
  const giveUpAt = hostClock.now() + LIMIT_MS;
  let shown = '';
  try {
    for (;;) {
      const { progress, reproduction } = await access.call(lookAtReproduction, { version });
      if (reproduction !== null) return reproduction;
      const line = lineOf(progress);
      if (line !== shown) screen.show(line);
      shown = line;
      if (hostClock.now() > giveUpAt)
        throw new TransientError('deadline_exceeded', `not trained again within ${LIMIT_MS / 60_000} minutes`);
      await sleep(POLL_MS);
    }
  } finally {
    screen.settle();
  }
}

function lineOf(progress: TrainProgress | null): string {
  if (progress === null) return 'reading the record ...';
  if (progress.kind === 'backend') return `training on ${progress.backend.name} ...`;
  const epoch = `epoch ${progress.epoch} of ${progress.epochs}`;
  return progress.kind === 'epoch' ? epoch : `fold ${progress.fold} of ${progress.folds}, ${epoch}`;
}

function textOf({ version, rows, data_sha256, backend, files, differs, reproduced: same }: Reproduction): string {
  const otherwise = [...files.filter(({ equal }) => !equal).map(({ name }) => name), ...differs];
  return [
    table([
      ['version', version],
      ['rows', `${rows}, sha256 ${brief(data_sha256)}`],
      ['backend', backend],
    ]),
    table(
      files.map(({ name, expected_sha256: expected, got_sha256: got, equal }) => [
        name,
        brief(expected),
        brief(got),
        equal ? 'yes' : 'NO',
      ]),
      ['FILE', 'EXPECTED', 'GOT', 'EQUAL'],
    ),
    same ? 'reproduced: files and manifest are the same' : `NOT reproduced, these differ: ${otherwise.join(', ')}`,
  ].join('\n\n');
}

const brief = (sha256: string): string => sha256.slice(0, 16);
