import { LINEAR } from '#shared/learning/fast/learned-objects.ts';
import { actsWords, controlRows } from '../acting-words.ts';
import type { Command } from '../command.ts';
import { EXIT } from '../command.ts';
import { withAccess } from '../ops/access.ts';
import { type Status, status } from '../ops/status.ts';
import { table } from '../table.ts';
import { lastTrialWords } from '../trials/words.ts';

export const statusCommand: Command = {
  name: 'status',
  summary: 'what was accepted, what waits, who acts',
  usage: '[options]',
  options: {},
  help: {},
  examples: ['vm status', 'vm status --json --dir /var/lib/aurora'],
  positionals: { min: 0, max: 0 },
  run: async ({ directory, json, print }) => {
    const now = await withAccess(directory, 'status', (access) => access.call(status, {}));
    if (json) {
      print(JSON.stringify(now));
      return EXIT.ok;
    }
    print(
      table(
        [
          ['world time', now.world_time],
          ['decisions', `${now.decisions.distinct} distinct of ${now.decisions.accepted} accepted`],
          ['outcomes', `${now.outcomes.distinct} distinct of ${now.outcomes.accepted} accepted`],
          ['fallbacks', `${now.fallbacks} ended attempts at another offer than the first`],
          ['rejected', now.rejected],
          ['dead letters', now.dead_letters],
          ['backlog', now.backlog],
          [
            'latest model',
            now.latest_model === null
              ? 'none yet'
              : `${now.latest_model.version} (${now.latest_model.verdict ?? 'not judged yet'}, ${now.latest_model.stage})`,
          ],
          ['champion', now.champion === null ? 'none' : `${now.champion.version} since ${now.champion.promoted_at}`],
          ...actingRows(now),
          ...learnerRows(now),
          ...now.damaged.map((what) => ['damaged', what]),
        ].map((row) => row.map(String)),
      ),
    );
    return EXIT.ok;
  },
};

/** By whose word who acts; and why it is somebody else, where it is. */
function actingRows({ control: { control, fault }, serving, last_trial: last, world_time: now }: Status): string[][] {
  return [
    ...(serving === null ? [] : [['acts', actsWords(serving)]]),
    ...controlRows(control, Date.parse(now)),
    ...(last === null ? [] : [['last trial', lastTrialWords(last)]]),
    ...(serving?.fault == null ? [] : [['but', serving.fault]]),
    ...(fault === null ? [] : [['FAULT', fault]]),
  ];
}

/** What there is to know of each: how much, how old, which. */
function learnerRows({ learners, world_time: now }: Status): string[][] {
  return learners.map(({ name, observations, written_at: writtenAt, generation, drifting }) => {
    const age =
      writtenAt === null ? '' : `, written ${ageOf(Date.parse(now) - Date.parse(writtenAt))} of world time ago`;
    return [
      name === LINEAR ? 'learner' : `learner on ${name}`,
      `${observations} observations${age}, generation ${generation}${drifting.length === 0 ? '' : `; DRIFT: ${drifting.join(', ')}`}`,
    ];
  });
}

const ageOf = (ms: number): string => (ms < 120_000 ? `${Math.round(ms / 1_000)} s` : `${Math.round(ms / 60_000)} min`);
