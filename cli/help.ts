import type { Command } from './command.ts';
import { table } from './table.ts';

export function overview(commands: readonly Command[]): string {
  const rows = commands.map((command) => [`  vm ${command.name}`, command.summary]);
  return `vm: Aurora Intelligence on the command line

Usage: vm COMMAND [options]      vm COMMAND --help      vm --version

${table(rows)}

Every command takes --dir DIR (default: AURORA_DIR, else .aurora) and --json.
`;
}

export function commandHelp(command: Command): string {
  const takes = (name: string): string =>
    command.options[name]?.type === 'string' || name === 'dir' ? ` ${command.takes?.[name] ?? name.toUpperCase()}` : '';
  const options = Object.keys({ ...command.options, dir: {}, json: {} }).map((name) => [
    `  --${name}${takes(name)}`,
    command.help[name] ?? COMMON_HELP[name] ?? '',
  ]);
  const notes = command.notes === undefined ? '' : `\n${command.notes.join('\n')}\n`;
  return `${command.summary}

Usage: vm ${`${command.name} ${command.usage}`.trim()}

${table(options)}
${notes}
Examples:
${command.examples.map((example) => `  ${example}`).join('\n')}
`;
}

const COMMON_HELP: Readonly<Record<string, string>> = {
  dir: 'state directory (default: AURORA_DIR, else .aurora)',
  json: 'one JSON value on stdout, for machines',
};
