/** `vm smoke`: does what users need work, looked at from here and now. */
import { writeFile } from 'node:fs/promises';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { RejectedError } from '#shared/errors.ts';
import type { RunReport } from '#shared/probes/run.ts';
import { poll } from '#shared/runtime/poller.ts';
import { createLog } from '#shared/telemetry/log.ts';
import { type Command, type CommandContext, EXIT } from '../command.ts';
import { withAccess } from '../ops/access.ts';
import { runSmoke } from '../ops/smoke.ts';
import { fromHere } from '../smoke/from-here.ts';
import { EXIT_OF, junitText, reportText } from '../smoke/report.ts';
import { untilStopped } from '../stack/stop-signal.ts';
import { textOption } from './options.ts';

export const smokeCommand: Command = {
  name: 'smoke',
  summary: 'does what users need work: services, certificates, cluster, the loop itself',
  usage: '[options]',
  options: {
    suite: { type: 'string', default: 'local' },
    only: { type: 'string' },
    junit: { type: 'string' },
    watch: { type: 'boolean', default: false },
    kubeconfig: { type: 'string' },
    context: { type: 'string' },
    namespace: { type: 'string', default: 'vaultmesh' },
    skip: { type: 'string' },
    set: { type: 'string' },
  },
  help: {
    suite: 'local (the stack that runs here), production, staging, or the path of a suite in YAML (default: local)',
    only: 'these checks and those they need, parted by commas',
    junit: 'writes the results to this file too, as JUnit XML',
    watch: 'looks again each period of the suite, until Ctrl-C',
    kubeconfig: 'how the cluster is reached (default: $KUBECONFIG, ~/.kube/config)',
    context: 'of the kubeconfig (default: its current one)',
    namespace: 'of the services in the cluster (default: vaultmesh)',
    skip: 'leaves out the checks of these categories, parted by commas, e.g. ingress,auth',
    set: 'what the suite leaves open, such as domain: name=value, parted by commas',
  },
  takes: { suite: 'NAME|FILE', only: 'IDS', junit: 'FILE', skip: 'CATEGORIES', set: 'NAME=VALUE' },
  notes: [
    'Exit codes: 0 all passed, 1 degraded, 2 failed, 3 could not run; docs/operations/SMOKE.md says what each check means.',
  ],
  examples: [
    'vm smoke',
    'vm smoke --only route-health,scores --json',
    'vm smoke --suite production --junit smoke.xml',
    'vm smoke --suite ./my-suite.yaml --watch',
  ],
  positionals: { min: 0, max: 0 },
  unable: EXIT.unable,
  run: smoke,
};

async function smoke(context: CommandContext): Promise<number> {
  const { values, note } = context;
  if (values['watch'] !== true) return shown(context, await look(context));
  const stopping = untilStopped();
  let last: number = EXIT.ok;
  try {
    const again = async (): Promise<void> => {
      last = await shown(context, await look(context));
    };
    await again();
    const poller = poll({
      name: 'smoke',
      everyMs: WATCH_EVERY_MS,
      hostClock,
      log: createLog({ level: 'silent' }),
      // One that cannot be run is said, and tried again.
      run: () => again().catch((error: unknown) => note(String(error))),
    });
    await stopping.stopped;
    await poller.stop();
    return last;
  } finally {
    stopping.dispose();
  }
}

const WATCH_EVERY_MS = 30_000;

async function look(context: CommandContext): Promise<RunReport> {
  const { values, directory } = context;
  const only = listOf(values, 'only');
  const suite = textOption(values, 'suite') ?? 'local';
  if (suite === 'local') {
    if (values['skip'] !== undefined)
      throw new RejectedError('usage', '--skip is for suites of a cluster; take --only');
    return await withAccess(directory, 'smoke', (access) => access.call(runSmoke, { only }));
  }
  return await fromHere({
    suite,
    only,
    skip: listOf(values, 'skip') ?? [],
    kubeconfig: textOption(values, 'kubeconfig'),
    context: textOption(values, 'context'),
    variables: { namespace: String(values['namespace']), ...settingsOf(listOf(values, 'set') ?? []) },
  });
}

async function shown({ values, json, print }: CommandContext, report: RunReport): Promise<number> {
  const file = textOption(values, 'junit');
  if (file !== null) await writeJunit(file, report);
  print(json ? JSON.stringify(report) : reportText(report));
  return EXIT_OF[report.verdict];
}

async function writeJunit(file: string, report: RunReport): Promise<void> {
  try {
    await writeFile(file, junitText(report));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new RejectedError('usage', `--junit ${JSON.stringify(file)} cannot be written: ${String(code)}`, { cause });
  }
}

function listOf(values: CommandContext['values'], option: string): readonly string[] | null {
  const text = textOption(values, option);
  return text === null
    ? null
    : text
        .split(',')
        .map((one) => one.trim())
        .filter((one) => one !== '');
}

/** @throws RejectedError usage */
function settingsOf(given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((text) => {
      const at = text.indexOf('=');
      if (at < 1) throw new RejectedError('usage', `--set takes name=value, got ${JSON.stringify(text)}`);
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}
