import { access, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { RejectedError } from '#shared/errors.ts';
import { type Command, type CommandContext, EXIT } from '../command.ts';
import { type Screen, screenOf } from '../stack/screen.ts';
import { type ConfigInput, MAX_DECISIONS, MAX_SLOW_FEEDBACK, settingsOf } from '../wargame/config.ts';
import type { Game } from '../wargame/game.ts';
import { plotOf } from '../wargame/plot/index.ts';
import { POLICY_NAMES } from '../wargame/policies/index.ts';
import { createProgress } from '../wargame/progress.ts';
import { reportOf } from '../wargame/report.ts';
import { tablesOf } from '../wargame/tables.ts';
import { type PlayedJob, playGame } from '../wargame/threads.ts';
import { numberOption } from './options.ts';

const LINE_EVERY_MS = 250;
/** In a file or a pipe every line stays. */
const PLAIN_LINE_EVERY_MS = 5_000;

export const wargameCommand: Command = {
  name: 'wargame',
  summary: 'policies against each other on a simulated market, between the rules and what an oracle would do',
  usage: '[options]',
  options: {
    config: { type: 'string' },
    market: { type: 'string' },
    decisions: { type: 'string' },
    seeds: { type: 'string' },
    policies: { type: 'string' },
    deviation: { type: 'string' },
    'slow-feedback': { type: 'string' },
    scenario: { type: 'string' },
    svg: { type: 'string' },
  },
  help: {
    config: 'JSON file with the same keys (docs/operations/wargame.md); options win over it',
    market: 'default, second, or the path of a market spec (default: default)',
    decisions: 'requests in each world (default 10000)',
    seeds: 'worlds, e.g. 1..5 or 1,2 (default 1..3)',
    policies: `of ${POLICY_NAMES.join(', ')} (default: advertised,tables,aurora; rules and oracle always play)`,
    deviation: '0: providers keep their promises, 1: as the market has it (default 1)',
    'slow-feedback': 'what is told of a run comes so many times later (default 1)',
    scenario: 'what happens to the providers: storm, or the path of a scenario spec (default: what the market says)',
    svg: 'also draws the gap over decisions into this file',
  },
  examples: [
    'vm wargame',
    'vm wargame --market second --decisions 50000 --seeds 1..5 --svg gap.svg',
    'vm wargame --scenario storm --decisions 20000 --policies tables,aurora --json',
  ],
  positionals: { min: 0, max: 0 },
  async run({ values, json, print }: CommandContext) {
    const settings = settingsOf(textOf(values, 'config'), inputOf(values));
    const svg = textOf(values, 'svg');
    // Before the game, not after it.
    if (svg !== null) await access(dirname(svg));
    const report = reportOf(settings, await played(settings.game, screenOf(process.stderr)));
    if (svg !== null) await writeFile(svg, plotOf(report));
    print(json ? JSON.stringify(report) : tablesOf(report));
    return EXIT.ok;
  },
};

type Values = CommandContext['values'];

function textOf(values: Values, option: string): string | null {
  const value = values[option];
  if (value === undefined) return null;
  if (typeof value !== 'string' || value === '') throw new RejectedError('usage', `--${option} takes a file, got ""`);
  return value;
}

/** The options that were given, under the keys of the config. */
function inputOf(values: Values): ConfigInput {
  const number = (name: string, range: Parameters<typeof numberOption>[2]): number | undefined =>
    values[name] === undefined ? undefined : numberOption(values, name, range);
  const input: ConfigInput = {
    market: values['market'],
    decisions: number('decisions', { min: 1, max: MAX_DECISIONS, whole: true }),
    seeds: values['seeds'],
    policies: values['policies'],
    deviation: number('deviation', { min: 0, max: 1 }),
    slow_feedback: number('slow-feedback', { min: 1, max: MAX_SLOW_FEEDBACK }),
    scenario: values['scenario'],
  };
  return Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
}

async function played(game: Game, screen: Screen): Promise<readonly PlayedJob[]> {
  const progress = createProgress(game);
  const every = screen.inPlace ? LINE_EVERY_MS : PLAIN_LINE_EVERY_MS;
  const startedMs = hostClock.now();
  let shownMs = startedMs;
  try {
    return await playGame(game, {
      clock: hostClock,
      onTurn(job, done) {
        progress.turn(job, done);
        const nowMs = hostClock.now();
        if (nowMs - shownMs < every) return;
        shownMs = nowMs;
        screen.show(progress.line(nowMs - startedMs));
      },
    });
  } finally {
    screen.settle();
  }
}
