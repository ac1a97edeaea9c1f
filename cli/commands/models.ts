import { LINEAR } from '#shared/domain/actor.ts';
import { RejectedError } from '#shared/errors.ts';
import type { Alias } from '#shared/registry/registry.ts';
import type { Verdict } from '#shared/registry/verdict.ts';
import type { Command, CommandContext } from '../command.ts';
import { EXIT } from '../command.ts';
import { learnerText } from '../learner-words.ts';
import { withAccess } from '../ops/access.ts';
import { showLearner } from '../ops/learner.ts';
import { listModels, type ModelRow, modelHistory, promoteModel, rollbackModel, showModel } from '../ops/models.ts';
import { table } from '../table.ts';
import { reasonsAndChecks } from '../verdict-words.ts';
import { reproduceCommand } from './reproduce.ts';
import { whoOf } from './who.ts';

function aliasOf(word: string): Alias {
  if (word === 'champion' || word === 'apprentice') return word;
  throw new RejectedError('usage', `expected champion or apprentice, got ${JSON.stringify(word)}`);
}

const none = { min: 0, max: 0 };
const one = { min: 1, max: 1 };

/** A person's word outranks the verdicts there are, not those to come. */
const HOLDS =
  'this holds until another wins a trial (in stage online: passes the gate); who was taken back is not tried until the gate speaks of it anew';
const reasonOf = ({ values }: CommandContext): string => String(values['reason'] ?? '');

const list: Command = {
  name: 'models list',
  summary: 'model versions, their verdicts and stages',
  usage: '[options]',
  options: {},
  help: {},
  examples: ['vm models list', 'vm models list --json'],
  positionals: none,
  run: async ({ directory, json, print }) => {
    const rows = await withAccess(directory, 'models list', (access) => access.call(listModels, {}));
    if (json) print(JSON.stringify(rows));
    else {
      print(table(rows.map(listRow), ['VERSION', 'TRAINED', 'ROWS', 'VERDICT', 'STAGE']));
      if (rows.every(({ kind }) => kind === 'learner')) print('no version yet: vm train');
    }
    return EXIT.ok;
  },
};

function listRow({ kind, version, created_at: trained, rows, verdict, stage, damage }: ModelRow): (string | number)[] {
  const said = damage === null ? (verdict ?? 'not judged') : 'DAMAGED';
  // In brackets: it is no version.
  if (kind === 'learner') return [`(${version})`, 'learns on, has no versions', '', said, stage ?? ''];
  return [version, trained ?? '?', rows ?? '?', said, stage ?? ''];
}

const show: Command = {
  name: 'models show',
  summary: 'one version: manifest, checks and verdict; or linear, the learner on its own',
  usage: 'VERSION|linear [options]',
  options: {},
  help: {},
  examples: ['vm models show v0123456789abcdef', 'vm models show linear'],
  positionals: one,
  run: async (context) => {
    const { directory, json, print, positionals } = context;
    if (positionals[0] === LINEAR) return showTheLearner(context);
    const { manifest, verdict } = await withAccess(directory, 'models show', (access) =>
      access.call(showModel, { version: positionals[0] ?? '' }),
    );
    if (json) {
      print(JSON.stringify({ manifest, verdict }));
      return EXIT.ok;
    }
    print(manifestTable(manifest, verdict));
    if (verdict !== null) print(`\n${reasonsAndChecks(verdict)}`);
    return EXIT.ok;
  },
};

async function showTheLearner({ directory, json, print }: CommandContext): Promise<number> {
  const shown = await withAccess(directory, 'models show', (access) => access.call(showLearner, {}));
  print(json ? JSON.stringify(shown) : learnerText(shown));
  return EXIT.ok;
}

type Shown = Awaited<ReturnType<typeof showModel.run>>;

function manifestTable({ version, created_at, training }: Shown['manifest'], verdict: Verdict | null): string {
  return table([
    ['version', version],
    ['trained', `${created_at} on ${training.backend}, seed ${training.seed}`],
    ['rows', `${training.rows}, of which ${training.holdout_rows} held out`],
    ['decisions', `${training.first_decided_at ?? '-'} to ${training.last_decided_at ?? '-'}`],
    ['data', `${training.data_sha256.slice(0, 16)} up to ${training.watermark}`],
    ['verdict', verdict === null ? 'not judged yet' : `${verdict.verdict}${comparedWith(verdict)}`],
  ]);
}

/** What the checks measured the version against; nothing, when there was nothing to measure. */
function comparedWith({ checks, compared_with: champion }: Verdict): string {
  if (checks.length === 0) return '';
  return ` (compared with the base rates${champion === null ? '' : ` and champion ${champion}`})`;
}

const promote: Command = {
  name: 'models promote',
  summary: "make a version the champion; without the gate's word only by force",
  usage: 'VERSION|linear --reason TEXT [--force]',
  options: { reason: { type: 'string' }, force: { type: 'boolean', default: false } },
  takes: { reason: 'TEXT' },
  help: { reason: 'why; kept in the alias log', force: 'promote although the gate did not say promote' },
  examples: [
    'vm models promote v0123456789abcdef --reason "canary was fine"',
    'vm models promote v0123456789abcdef --force --reason "incident 12"',
    'vm models promote linear --reason "it was tried elsewhere"',
  ],
  positionals: one,
  run: async (context) => {
    const { directory, json, print, positionals, values } = context;
    const params = {
      version: positionals[0] ?? '',
      by: whoOf(values),
      reason: reasonOf(context),
      force: values['force'] === true,
    };
    const entry = await withAccess(directory, 'models promote', (access) => access.call(promoteModel, params));
    print(
      json
        ? JSON.stringify(entry)
        : `champion is ${entry.version} (move ${entry.sequence}${entry.forced ? ', forced' : ''})${entry.forced ? `\n${HOLDS}` : ''}`,
    );
    return EXIT.ok;
  },
};

const rollback: Command = {
  name: 'models rollback',
  summary: 'move the champion back to the version before it',
  usage: '--reason TEXT',
  options: { reason: { type: 'string' } },
  takes: { reason: 'TEXT' },
  help: { reason: 'why; kept in the alias log' },
  examples: ['vm models rollback --reason "completions fell"'],
  positionals: none,
  run: async (context) => {
    const { directory, json, print } = context;
    const entry = await withAccess(directory, 'models rollback', (access) =>
      access.call(rollbackModel, { by: whoOf(context.values), reason: reasonOf(context) }),
    );
    print(
      json
        ? JSON.stringify(entry)
        : `champion is ${entry.version ?? 'none: the rules act'} (was ${entry.previous_version})\n${HOLDS}`,
    );
    return EXIT.ok;
  },
};

const history: Command = {
  name: 'models history',
  summary: 'every move of an alias, with its reason',
  usage: '[champion|apprentice]',
  options: {},
  help: {},
  examples: ['vm models history', 'vm models history apprentice --json'],
  positionals: { min: 0, max: 1 },
  run: async ({ directory, json, print, positionals }) => {
    const alias = aliasOf(positionals[0] ?? 'champion');
    const entries = await withAccess(directory, 'models history', (access) => access.call(modelHistory, { alias }));
    if (json) print(JSON.stringify(entries));
    else if (entries.length === 0) print(`${alias} was never set: the rules act`);
    else
      print(
        table(
          entries.map((entry) => [
            entry.sequence,
            entry.at,
            entry.version ?? 'none',
            entry.by,
            entry.forced ? 'forced' : (entry.verdict ?? ''),
            entry.reason,
          ]),
          ['#', 'AT', 'VERSION', 'BY', 'VERDICT', 'REASON'],
        ),
      );
    return EXIT.ok;
  },
};

export const modelCommands: readonly Command[] = [list, show, reproduceCommand, promote, rollback, history];
