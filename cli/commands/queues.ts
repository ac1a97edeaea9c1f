import { RejectedError } from '#shared/errors.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../command.ts';
import { withAccess } from '../ops/access.ts';
import { listDeadLetters, replayDeadLetters, showDeadLetter } from '../ops/dlq.ts';
import { listRejected, replayRejected } from '../ops/rejected.ts';
import { table } from '../table.ts';
import { countOption } from './options.ts';
import { replayAll } from './replay-all.ts';

const LIMIT = '50';
const limitOption = { limit: { type: 'string', default: LIMIT } } as const;
const limitHelp = { limit: `at most this many (default ${LIMIT}, up to 1000)` };

const dlqList: Command = {
  name: 'dlq list',
  summary: 'dead letters: messages whose delivery was given up',
  usage: '[options]',
  options: limitOption,
  help: limitHelp,
  examples: ['vm dlq list', 'vm dlq list --limit 500 --json'],
  positionals: { min: 0, max: 0 },
  run: async ({ directory, json, print, values }) => {
    const limit = countOption(values, 'limit', 1000);
    const letters = await withAccess(directory, 'dlq list', (access) =>
      access.call(listDeadLetters, { limit, before: null }),
    );
    if (json) print(JSON.stringify(letters));
    else if (letters.length === 0) print('no dead letters');
    else
      print(
        table(
          letters.map((letter) => [
            letter.messageId,
            letter.publishTime,
            letter.sourceSubscription,
            letter.deliveryAttempts,
            letter.bytes,
            letter.lastError ?? '',
          ]),
          ['ID', 'PUBLISHED', 'SUBSCRIPTION', 'ATTEMPTS', 'BYTES', 'LAST ERROR'],
        ),
      );
    return EXIT.ok;
  },
};

const dlqShow: Command = {
  name: 'dlq show',
  summary: 'one dead letter with its data',
  usage: 'ID',
  options: {},
  help: {},
  examples: ['vm dlq show 1042', 'AURORA_PLATFORM=gcp vm dlq show routing-outcomes/1042'],
  positionals: { min: 1, max: 1 },
  run: async ({ directory, json, print, positionals }) => {
    const letter = await withAccess(directory, 'dlq show', (access) =>
      access.call(showDeadLetter, { id: positionals[0] ?? '' }),
    );
    print(json ? JSON.stringify(letter) : JSON.stringify(letter, null, 2));
    return EXIT.ok;
  },
};

const dlqReplay: Command = {
  name: 'dlq replay',
  summary: 'send dead letters back to the subscription that gave up',
  usage: 'ID... | --all',
  options: { all: { type: 'boolean', default: false } },
  help: { all: 'every dead letter that is there now, oldest first' },
  notes: [
    'In the cloud every subscription of the topic gets it again, and knows an event that it has; one run takes 10,000 letters at most.',
  ],
  examples: ['vm dlq replay 1042 1043', 'vm dlq replay --all'],
  positionals: { min: 0, max: 1000 },
  run: async ({ directory, json, print, note, positionals, values }) => {
    if ((values['all'] === true) === positionals.length > 0)
      throw new RejectedError('usage', 'give the ids of dead letters, or --all');
    const result = await withAccess(directory, 'dlq replay', (access) =>
      values['all'] === true ? replayAll(access, note) : access.call(replayDeadLetters, { ids: [...positionals] }),
    );
    print(
      json
        ? JSON.stringify(result)
        : `${result.replayed} sent again${result.unknown.length === 0 ? '' : `; unknown: ${result.unknown.join(', ')}`}`,
    );
    return result.unknown.length === 0 ? EXIT.ok : EXIT.partial;
  },
};

const rejectedListCommand: Command = {
  name: 'rejected list',
  summary: 'quarantined events: what could not be read, and why',
  usage: '[options]',
  options: limitOption,
  help: limitHelp,
  examples: ['vm rejected list', 'vm rejected list --json'],
  positionals: { min: 0, max: 0 },
  run: async ({ directory, json, print, values }) => {
    const limit = countOption(values, 'limit', 1000);
    const rows = await withAccess(directory, 'rejected list', (access) => access.call(listRejected, { limit }));
    if (json) print(JSON.stringify(rows));
    else if (rows.length === 0) print('nothing was rejected');
    else
      print(
        table(
          rows.map((row) => [
            row.event_id,
            row.rejected_at,
            row.function_name,
            row.event_type,
            row.code,
            row.reason.slice(0, 80),
          ]),
          ['ID', 'AT', 'FUNCTION', 'EVENT', 'CODE', 'REASON'],
        ),
      );
    return EXIT.ok;
  },
};

const rejectedReplayCommand: Command = {
  name: 'rejected replay',
  summary: 'send a quarantined event again, as it came',
  usage: 'ID',
  options: {},
  help: {},
  examples: ['vm rejected replay 3f2a9c0d1e4b5a697887766554433221'],
  positionals: { min: 1, max: 1 },
  run: async ({ directory, json, print, positionals }) => {
    const result = await withAccess(directory, 'rejected replay', (access) =>
      access.call(replayRejected, { id: positionals[0] ?? '' }),
    );
    print(json ? JSON.stringify(result) : `sent again on ${result.topic} as ${result.event_id}`);
    return EXIT.ok;
  },
};

export const queueCommands: readonly Command[] = [
  dlqList,
  dlqShow,
  dlqReplay,
  rejectedListCommand,
  rejectedReplayCommand,
];
