/** `vm`: finds the command, reads its options, runs it. In: words. Out: an exit code; results on stdout, remarks on stderr. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import { AuroraError, errorBody, RejectedError } from '#shared/errors.ts';
import { type Command, EXIT } from './command.ts';
import { COMMANDS } from './commands/index.ts';
import { commandHelp, overview } from './help.ts';

const COMMON: NonNullable<ParseArgsConfig['options']> = {
  dir: { type: 'string', default: '.aurora' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
};

export async function main(argv: readonly string[]): Promise<number> {
  const json = argv.includes('--json');
  try {
    const found = findCommand(argv);
    if (found === null) {
      const asked = argv.filter((word) => !word.startsWith('-'));
      if (asked.length > 0 && asked[0] !== 'help')
        throw new RejectedError('usage', `no command ${JSON.stringify(asked.join(' '))}; see vm --help`);
      process.stdout.write(overview(COMMANDS));
      return EXIT.ok;
    }
    return await run(found.command, found.rest, json);
  } catch (error) {
    return report(error, json);
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
    directory: String(values['dir']),
    print: (text) => void process.stdout.write(text.endsWith('\n') ? text : `${text}\n`),
    note: (text) => void process.stderr.write(text.endsWith('\n') ? text : `${text}\n`),
  });
}

function readOptions(command: Command, argv: string[]): { values: Record<string, unknown>; positionals: string[] } {
  try {
    return parseArgs({ args: argv, options: { ...COMMON, ...command.options }, allowPositionals: true, strict: true });
  } catch (error) {
    throw new RejectedError('usage', `${(error as Error).message} (vm ${command.name} --help)`, { cause: error });
  }
}

/** Plain words and the remedy on stderr, or the same as JSON on stdout. */
function report(error: unknown, json: boolean): number {
  if (!(error instanceof AuroraError)) {
    process.stderr.write(`vm: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
    return EXIT.failed;
  }
  if (json) process.stdout.write(`${JSON.stringify(errorBody(error))}\n`);
  else process.stderr.write(`vm: ${error.message}\n    ${error.code}: ${error.remedy}\n`);
  return error.code === 'usage' ? EXIT.usage : EXIT.failed;
}
