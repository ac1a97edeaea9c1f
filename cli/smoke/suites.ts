/** Suites by name, or as a file. */
import { readFileSync } from 'node:fs';
import { RejectedError } from '#shared/errors.ts';
import { CHECK_KINDS } from '#shared/probes/checks/index.ts';
import { parseSuite, type Suite } from '#shared/probes/suite.ts';
import { openIn } from '#shared/probes/suite-targets.ts';

const SUITE_NAMES = ['production', 'staging', 'scaling', 'loop', 'local'] as const;
const isName = (text: string): boolean => (SUITE_NAMES as readonly string[]).includes(text);

export interface ReadOptions {
  readonly variables: Readonly<Record<string, string>>;
  /** Variables too, of a person who means something by each. */
  readonly settings?: Readonly<Record<string, string>>;
  readonly loopback: boolean;
}

/** @throws RejectedError file_unreadable, suite_invalid, usage: the suite asks for no such setting */
export function readSuite(nameOrFile: string, { variables, settings = {}, loopback }: ReadOptions): Suite {
  const place = isName(nameOrFile)
    ? new URL(`../../shared/probes/suites/${nameOrFile}.yaml`, import.meta.url)
    : nameOrFile;
  let text: string;
  try {
    text = readFileSync(place, 'utf8');
  } catch (cause) {
    const known = SUITE_NAMES.join(', ');
    throw new RejectedError(
      'file_unreadable',
      `suite ${JSON.stringify(nameOrFile)}: expected one of ${known}, or a file: ${String((cause as NodeJS.ErrnoException).code)}`,
      { cause },
    );
  }
  const where = isName(nameOrFile) ? `${nameOrFile}.yaml` : nameOrFile;
  const open = openIn(text);
  const idle = Object.keys(settings).find((name) => !open.has(name));
  if (idle !== undefined)
    throw new RejectedError('usage', `--set ${idle}: ${where} leaves open ${[...open].join(', ') || 'nothing'}`);
  return parseSuite(text, where, { kinds: CHECK_KINDS, variables: { ...variables, ...settings }, loopback });
}
