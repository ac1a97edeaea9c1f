/** `vm`: finds the command, reads its options, runs it. In: words. Out: an exit code; results on stdout, remarks on stderr. */
import { debuglog, type ParseArgsConfig, parseArgs } from 'node:util';
import { readConfig } from '#shared/config.ts';
import { AuroraError, errorBody, RejectedError, TransientError } from '#shared/errors.ts';
import { type Command, EXIT } from './command.ts';
import { COMMANDS } from './commands/index.ts';
import { commandHelp, overview } from './help.ts';
import { version } from './version.ts';

const trace = debuglog('aurora');

const COMMON: NonNullable<ParseArgsConfig['options']> = {
  dir: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
};

export async function main(argv: readonly string[]): Promise<number> {
  const json = argv.includes('--json');
  const found = findCommand(argv);
  try {
    if (found !== null) return await run(found.command, found.rest, json);
    if (argv[0] === '--version') {
      process.stdout.write(json ? `${JSON.stringify({ version: version() })}\n` : `${version()}\n`);
      return EXIT.ok;
    }
    const asked = argv.filter((word) => !word.startsWith('-'));
    const [group = 'help'] = asked;
    // "vm models" alone: which commands begin so.
    const members = COMMANDS.filter((command) => group === 'help' || command.name.split(' ')[0] === group);
    if (members.length === 0 || asked.length > 1)
      throw new RejectedError('usage', `no command ${JSON.stringify(asked.join(' '))}; see vm --help`);
    process.stdout.write(overview(members));
    return EXIT.ok;
  } catch (error) {
    return report(error, json, found?.command.unable ?? EXIT.failed);
  }
}

/** The command whose words come first, the longest name winning: "models list" before "models". */
function findCommand(argv: readonly string[]): { command: Command; rest: string[] } | null {
  const candidates = COMMANDS.toSorted((a, b) => b.name.length - a.name.length);
  for (const command of candidates) {
    const words = command.name.split(' ');
    if (words.every((word, index) => argv[index] === word)) return { command, rest: argv.slice(words.length) };
  }
  return null;
}

async function run(command: Command, argv: string[], json: boolean): Promise<number> {
  const { values, positionals } = readOptions(command, argv);
  if (values['help'] === true) {
    process.stdout.write(commandHelp(command));
    return EXIT.ok;
  }
  const { min, max } = command.positionals;
  if (positionals.length < min || positionals.length > max) {
    throw new RejectedError('usage', `usage: vm ${command.name} ${command.usage}`);
  }
  return command.run({
    values: values as Readonly<Record<string, string | boolean | undefined>>,
    positionals,
    json,
    directory: directoryOf(values['dir']),
    print: (text) => void process.stdout.write(text.endsWith('\n') ? text : `${text}\n`),
    note: (text) => void process.stderr.write(text.endsWith('\n') ? text : `${text}\n`),
  });
}

/** `--dir`, or the state directory of the environment. */
function directoryOf(given: unknown): string {
  if (given === undefined) return readConfig().directory;
  if (given === '') throw new RejectedError('usage', '--dir takes a directory, got ""');
  return String(given);
}

function readOptions(command: Command, argv: string[]): { values: Record<string, unknown>; positionals: string[] } {
  try {
    return parseArgs({ args: argv, options: { ...COMMON, ...command.options }, allowPositionals: true, strict: true });
  } catch (error) {
    throw new RejectedError('usage', `${(error as Error).message} (vm ${command.name} --help)`, { cause: error });
  }
}

/** Plain words and the remedy on stderr, or the same as JSON on stdout. */
function report(thrown: unknown, json: boolean, unable: number): number {
  // The first of several is what ended the command; the others came while it closed what it had opened.
  const all: readonly unknown[] = thrown instanceof AggregateError ? thrown.errors : [thrown];
  const errors = all.map(coded).filter(isNews);
  const [first] = errors;
  if (json && first !== undefined) process.stdout.write(`${JSON.stringify(errorBody(first))}\n`);
  else for (const error of errors) process.stderr.write(`vm: ${error.message}\n    ${error.code}: ${error.remedy}\n`);
  return first?.code === 'usage' ? EXIT.usage : unable;
}

/** A full disk is said once, however many files have met it. */
const isNews = ({ code }: AuroraError, index: number, errors: readonly AuroraError[]): boolean =>
  code !== 'disk_full' || errors.findIndex((error) => error.code === code) === index;

/** What the system refuses about a path or a device is the caller's to correct; anything else is a defect of ours. */
function coded(thrown: unknown): AuroraError {
  if (thrown instanceof AuroraError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  const { syscall, code } = (thrown ?? {}) as NodeJS.ErrnoException;
  if (syscall === undefined) {
    trace(thrown instanceof Error ? (thrown.stack ?? message) : message);
    return new TransientError('internal', `${message} (NODE_DEBUG=aurora shows where)`, { cause: thrown });
  }
  if (code === 'ENOSPC') return new TransientError('disk_full', message, { cause: thrown });
  return new RejectedError('config_invalid', message, { cause: thrown });
}
