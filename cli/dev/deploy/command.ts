/** The command: words in, exit code out; results on `out`, remarks on `note`. */
import { AuroraError, errorBody } from '#shared/errors.ts';
import { commandOf, resolveImage } from './cloud-run.ts';
import type { Gcloud } from './gcloud.ts';
import { type Options, readOptions, USAGE } from './options.ts';
import { look, planned, type Report, release } from './release.ts';
import { shares, wordsOf } from './words.ts';

export interface CommandDeps {
  gcloud(deadlineMs: number): Gcloud;
  now(): number;
  sleep(ms: number): Promise<void>;
  out(text: string): void;
  note(text: string): void;
}

const EXIT = { done: 0, kept: 1, refused: 2, open: 3, usage: 64 } as const;

export async function deploy(argv: readonly string[], deps: CommandDeps): Promise<number> {
  if (argv.includes('--help') || argv.includes('-h')) {
    deps.out(USAGE);
    return EXIT.done;
  }
  try {
    return await run(readOptions(argv), deps);
  } catch (error) {
    // Whatever is thrown is thrown before anything has been changed.
    if (!(error instanceof AuroraError)) throw error;
    const misused = error.code === 'usage';
    const { error: said } = errorBody(error);
    const body = misused ? { ...said, remedy: 'See npm run deploy -- --help.' } : said;
    if (argv.includes('--json')) deps.out(JSON.stringify({ result: 'refused', error: body }));
    else deps.note(`${body.code}: ${body.message}\n${body.remedy}`);
    return misused ? EXIT.usage : EXIT.refused;
  }
}

async function run({ wanted: given, deadlineMs, dryRun, json }: Options, deps: CommandDeps): Promise<number> {
  const gcloud = deps.gcloud(deadlineMs);
  const wanted = given.back ? given : { ...given, image: await resolveImage(gcloud, given.image) };
  const world = await look(gcloud, wanted);
  if (dryRun) {
    const steps = planned(world, wanted).map((step) => ({
      says: wordsOf(step),
      command: ['gcloud', ...(commandOf(step, wanted, wanted.image) ?? [])].join(' '),
    }));
    if (json) deps.out(JSON.stringify({ result: 'planned', image: wanted.image, steps }));
    else for (const { says, command } of steps) deps.out(command === 'gcloud' ? says : `${says}\n  ${command}`);
    return EXIT.done;
  }
  const report = await release({ ...deps, gcloud }, wanted, world);
  deps.out(json ? JSON.stringify(report) : textOf(report));
  return EXIT[report.result];
}

const RESULTS: Readonly<Record<Report['result'], string>> = {
  done: 'done',
  kept: 'failed; what served before serves',
  open: 'something is left to do',
};

const textOf = ({ result, failure, open, serving, image }: Report): string =>
  [
    `${RESULTS[result]}: ${image}`,
    ...(failure === null ? [] : [`because: ${failure}`]),
    ...Object.entries(serving).map(([name, split]) => `  ${name}: ${shares(split)}`),
    ...(open.length === 0
      ? []
      : ['by hand, or once more with the same command:', ...open.map((command) => `  ${command}`)]),
  ].join('\n');
