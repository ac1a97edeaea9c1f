import { type ShareBy, shareBy, stage } from '#shared/domain/control.ts';
import type { Change, ChangeEntry } from '#shared/domain/control-change.ts';
import { RejectedError } from '#shared/errors.ts';
import { actsWords, controlRows, STAGE_WORDS } from '../acting-words.ts';
import { type Command, type CommandContext, EXIT } from '../command.ts';
import { withAccess } from '../ops/access.ts';
import { type ShownControl, sayControl, showControl, showControlHistory } from '../ops/control.ts';
import { table } from '../table.ts';
import { lastTrialWords } from '../trials/words.ts';
import { durationOption, stageOption } from './options.ts';
import { whoOf } from './who.ts';

const none = { min: 0, max: 0 };
const one = { min: 1, max: 1 };
const WITH_REASON = {
  options: { reason: { type: 'string' }, by: { type: 'string' } },
  takes: { reason: 'TEXT', by: 'NAME' },
  help: { reason: 'why; kept on record', by: 'who says so (default: the user of this machine)' },
} as const;

const show: Command = {
  name: 'control show',
  summary: 'who may act, and who does: stage, share, kill switch, trial, incidents',
  usage: '[options]',
  options: {},
  help: {},
  examples: ['vm control show', 'vm control show --json'],
  positionals: none,
  run: async ({ directory, json, print }) => {
    const shown = await withAccess(directory, 'control show', (access) => access.call(showControl, {}));
    print(json ? JSON.stringify(shown) : table(shownRows(shown)));
    return EXIT.ok;
  },
};

function shownRows(shown: ShownControl): string[][] {
  const { control, written, fault, serving, last_change: last, last_trial: lastTrial, world_time: now } = shown;
  const acts =
    serving === null
      ? 'nobody: no score runs here'
      : `${actsWords(serving)}${serving.fault === null ? '' : `, because: ${serving.fault}`}`;
  return [
    ['acts now', acts],
    ...controlRows(control, Date.parse(now)),
    ...(lastTrial === null ? [] : [['last trial', lastTrialWords(lastTrial)]]),
    ['last change', last === null ? 'none' : `${last.at} by ${last.by}: ${wordsOf(last.change)} (${last.reason})`],
    ...(written ? [] : [['', 'nobody has said anything yet: this is the default (AURORA_STAGE)']]),
    ...(fault === null ? [] : [['FAULT', fault]]),
  ];
}

function wordsOf(change: Change): string {
  switch (change.kind) {
    case 'stage':
      return `stage ${change.stage}`;
    case 'share':
      return `share ${change.share}${change.share_by === undefined ? '' : ` by ${change.share_by}`}`;
    case 'kill':
      return 'kill switch pulled';
    case 'resume':
      return 'kill switch released';
    case 'trial':
      return change.trial === null ? 'trial ended' : `trial of ${change.trial.arms.toReversed().join(' against ')}`;
    case 'incident_add':
      return `incident for ${Number((change.for_ms / 3_600_000).toFixed(2))} h`;
    case 'incident_end':
      return `incident ${change.id} ended`;
    default:
      return change satisfies never;
  }
}

/** Says it, and says what became of it. */
async function say(context: CommandContext, change: Change, reason: string): Promise<number> {
  const { directory, json, print, values } = context;
  const params = { change, by: whoOf(values), reason };
  const entry = await withAccess(directory, 'control', (access) => access.call(sayControl, params));
  if (json) print(JSON.stringify(entry));
  else print(entry === null ? 'it is so already; nothing was changed' : saidWords(entry));
  return EXIT.ok;
}

function saidWords({ sequence, change, control, at }: ChangeEntry): string {
  const opened = change.kind === 'incident_add' ? control.incidents.at(-1) : undefined;
  const more = opened === undefined ? '' : `: ${opened.id}, until ${opened.until}`;
  return `${wordsOf(change)}${more} (change ${sequence}, ${at}); every instance follows within seconds`;
}

/** What needs a reason refuses to go without; the rest has this one. */
const reasonOf = ({ values }: CommandContext): string => String(values['reason'] ?? '');
const UNSAID = 'no reason given';

const setStage: Command = {
  name: 'control stage',
  summary: 'who may act: apprentice, auto or online',
  usage: 'apprentice|auto|online [options]',
  ...WITH_REASON,
  notes: stage.options.map((each) => `${each}: ${STAGE_WORDS[each]}`),
  examples: ['vm control stage online --reason "the trial is over"', 'vm control stage apprentice'],
  positionals: one,
  run: (context) =>
    say(context, { kind: 'stage', stage: stageOption(context.positionals[0]) }, reasonOf(context) || UNSAID),
};

const setShare: Command = {
  name: 'control share',
  summary: 'how much a learner may decide, 0 to 1; the rules decide the rest',
  usage: 'SHARE [--per request|tenant] [options]',
  options: { ...WITH_REASON.options, per: { type: 'string' } },
  takes: { ...WITH_REASON.takes, per: 'request|tenant' },
  help: {
    ...WITH_REASON.help,
    per: 'of the requests, or of the tenants, each of whom then meets one actor alone (default: as it is; at first request)',
  },
  notes: ['By a hash of either: who is in stays in when the share grows. A trial does not mind it.'],
  examples: [
    'vm control share 0.1 --reason "a careful start"',
    'vm control share 0.1 --per tenant',
    'vm control share 1',
  ],
  positionals: one,
  run: (context) => {
    const [text = ''] = context.positionals;
    const share = text.trim() === '' ? Number.NaN : Number(text);
    if (!(share >= 0 && share <= 1))
      throw new RejectedError('usage', `expected a share from 0 to 1, got ${JSON.stringify(text)}`);
    const said: Change = { kind: 'share', share, ...perOption(context.values['per']) };
    return say(context, said, reasonOf(context) || UNSAID);
  },
};

/** Nothing where nothing was said. */
function perOption(given: unknown): { readonly share_by?: ShareBy } {
  if (given === undefined) return {};
  const parsed = shareBy.safeParse(given);
  if (parsed.success) return { share_by: parsed.data };
  throw new RejectedError('usage', `--per: expected ${shareBy.options.join(' or ')}, got ${JSON.stringify(given)}`);
}

const kill: Command = {
  name: 'control kill',
  summary: 'pull the kill switch: the rules act, whatever else is said',
  usage: '--reason TEXT',
  ...WITH_REASON,
  examples: ['vm control kill --reason "prices are off"'],
  positionals: none,
  run: (context) => say(context, { kind: 'kill' }, reasonOf(context)),
};

const resume: Command = {
  name: 'control resume',
  summary: 'release the kill switch: stage and share hold again',
  usage: '--reason TEXT',
  ...WITH_REASON,
  examples: ['vm control resume --reason "prices are right again"'],
  positionals: none,
  run: (context) => say(context, { kind: 'resume' }, reasonOf(context)),
};

const addIncident: Command = {
  name: 'control incident add',
  summary: 'nothing is explored from now on, for a time',
  usage: '--for TIME --reason TEXT',
  options: { ...WITH_REASON.options, for: { type: 'string' } },
  takes: { ...WITH_REASON.takes, for: 'TIME' },
  help: { ...WITH_REASON.help, for: 'how long, of world time: 30m, 2h, 1d; 30 days at most' },
  examples: ['vm control incident add --for 2h --reason "a region is down"'],
  positionals: none,
  run: (context) => {
    const forMs = durationOption(context.values, 'for', 30 * 86_400_000);
    return say(context, { kind: 'incident_add', for_ms: forMs }, reasonOf(context));
  },
};

const endIncident: Command = {
  name: 'control incident end',
  summary: 'an incident is over before its time',
  usage: 'ID [options]',
  ...WITH_REASON,
  examples: ['vm control incident end i7', 'vm control incident end i7 --reason "the region is back"'],
  positionals: one,
  run: (context) =>
    say(context, { kind: 'incident_end', id: context.positionals[0] ?? '' }, reasonOf(context) || UNSAID),
};

const history: Command = {
  name: 'control history',
  summary: 'every change of the control: who, when, why',
  usage: '[options]',
  options: {},
  help: {},
  examples: ['vm control history', 'vm control history --json'],
  positionals: none,
  run: async ({ directory, json, print }) => {
    const entries = await withAccess(directory, 'control history', (access) => access.call(showControlHistory, {}));
    if (json) print(JSON.stringify(entries));
    else if (entries.length === 0) print('nothing was ever changed: the default holds');
    else
      print(
        table(
          entries.map(({ sequence, at, by, change, reason }) => [sequence, at, by, wordsOf(change), reason]),
          ['#', 'AT', 'BY', 'CHANGE', 'REASON'],
        ),
      );
    return EXIT.ok;
  },
};

export const controlCommands: readonly Command[] = [
  show,
  setStage,
  setShare,
  kill,
  resume,
  addIncident,
  endIncident,
  history,
];
