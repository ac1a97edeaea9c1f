import { type Command, EXIT } from '../command.ts';
import { withAccess } from '../ops/access.ts';
import { showTrials } from '../ops/trials.ts';
import { trialsText } from '../trials/words.ts';

export const trialsCommand: Command = {
  name: 'trials',
  summary: 'the trial that runs, how it stands and when it can end; and those before it',
  usage: '[options]',
  options: {},
  help: {},
  notes: [
    'A trial lets two actors act in turns, block of time by block, and compares pairs of blocks whose runs are over.',
    'All times are world times. How one comes about, and how to stop it: docs/operations/control.md',
  ],
  examples: ['vm trials', 'vm trials --json'],
  positionals: { min: 0, max: 0 },
  run: async ({ directory, json, print }) => {
    const shown = await withAccess(directory, 'trials', (access) => access.call(showTrials, {}));
    print(json ? JSON.stringify(shown) : trialsText(shown));
    return EXIT.ok;
  },
};
