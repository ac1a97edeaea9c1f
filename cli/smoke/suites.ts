/** Suites by name, or as a file. */
import { readFileSync } from 'node:fs';
import { RejectedError } from '#shared/errors.ts';
import { CHECK_KINDS } from '#shared/probes/checks/index.ts';
import { parseSuite, type Suite } from '#shared/probes/suite.ts';

const SUITE_NAMES = ['production', 'staging', 'scaling', 'loop', 'local'] as const;
const isName = (text: string): boolean => (SUITE_NAMES as readonly string[]).includes(text);

/** @throws RejectedError file_unreadable, suite_invalid */
export function readSuite(
  nameOrFile: string,
  options: { readonly variables: Readonly<Record<string, string>>; readonly loopback: boolean },
): Suite {
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
  return parseSuite(text, isName(nameOrFile) ? `${nameOrFile}.yaml` : nameOrFile, { kinds: CHECK_KINDS, ...options });
}
