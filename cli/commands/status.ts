import type { Command } from '../command.ts';
import { EXIT } from '../command.ts';
import { withAccess } from '../ops/access.ts';
import { status } from '../ops/status.ts';
import { table } from '../table.ts';

export const statusCommand: Command = {
  name: 'status',
  summary: 'what was accepted, what waits, which model serves',
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
          ['rejected', now.rejected],
          ['dead letters', now.dead_letters],
          ['backlog', now.backlog],
          [
            'latest model',
            now.latest_model === null
              ? 'none yet'
              : `${now.latest_model.version} (${now.latest_model.verdict ?? 'not judged yet'}, ${now.latest_model.stage})`,
          ],
          [
            'champion',
            now.champion === null ? 'none: the rules act' : `${now.champion.version} since ${now.champion.promoted_at}`,
          ],
        ].map((row) => row.map(String)),
      ),
    );
    return EXIT.ok;
  },
};
