/** `vm smoke`: does what users need work, looked at from here and now. */
import { writeFile } from 'node:fs/promises';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { RejectedError } from '#shared/errors.ts';
import { poll } from '#shared/runtime/poller.ts';
import { createLog } from '#shared/telemetry/log.ts';
import { type Command, type CommandContext, EXIT } from '../command.ts';
import { withAccess } from '../ops/access.ts';
import { runSmoke } from '../ops/smoke.ts';
import { fromHere, type Look } from '../smoke/from-here.ts';
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
    cluster: { type: 'string' },
    'without-cluster': { type: 'boolean', default: false },
    namespace: { type: 'string' },
    skip: { type: 'string' },
    set: { type: 'string' },
  },
  help: {
    suite:
      'local (the stack that runs here), production, staging, scaling (publishes a job), loop (our functions in the cloud: AURORA_PLATFORM=gcp), or the path of a suite in YAML (default: local)',
    only: 'these checks and those they need, parted by commas',
    junit: 'writes the results to this file too, as JUnit XML',
    watch: 'looks again each period of the suite, until Ctrl-C',
    kubeconfig: 'how the cluster is reached (default: $KUBECONFIG, ~/.kube/config)',
    context: 'of the kubeconfig (default: its current one)',
    cluster: 'takes the context of this cluster: its name at Google, or that of the context',
    'without-cluster': "leaves out what looks at the cluster's API, and what needs that: no login is needed",
    namespace: 'of the services in the cluster (default: vaultmesh)',
    skip: 'leaves out the checks of these categories, parted by commas, and those that need them',
    set: 'what the suite leaves open, such as domain: name=value, parted by commas',
  },
  takes: {
    suite: 'NAME|FILE',
    only: 'IDS',
    junit: 'FILE',
    kubeconfig: 'FILE',
    cluster: 'NAME',
    skip: 'CATEGORIES',
    set: 'NAME=VALUE',
  },
  notes: [
    'Exit codes: 0 all passed, 1 degraded, 2 failed, 3 could not run; docs/operations/SMOKE.md says what each check means.',
  ],
  examples: [
    'vm smoke',
    'vm smoke --only route-health,scores --json',
    'vm smoke --suite production --junit smoke.xml',
    'vm smoke --suite scaling --kubeconfig .aurora/kubeconfig',
    'vm smoke --suite ./my-suite.yaml --watch',
  ],
  positionals: { min: 0, max: 0 },
  unable: EXIT.unable,
  run: smoke,
};

async function smoke(context: CommandContext): Promise<number> {
  const first = await look(context);
  let last = await shown(context, first);
  if (context.values['watch'] !== true) return last;
  const stopping = untilStopped();
  try {
    const poller = poll({
      name: 'smoke',
      everyMs: first.periodMs,
      hostClock,
      log: createLog({ level: 'silent' }),
      run: async () => {
        try {
          last = await shown(context, await look(context));
        } catch (error) {
          // One that cannot be run is said, and tried again.
          last = EXIT.unable;
          context.note(String(error));
        }
      },
    });
    await stopping.stopped;
    await poller.stop();
    return last;
  } finally {
    stopping.dispose();
  }
}

async function look({ values, directory, note }: CommandContext): Promise<Look> {
  const only = listOf(values, 'only');
  const suite = textOption(values, 'suite') ?? 'local';
  if (suite === 'local') {
    const of = FOR_OTHERS.find((option) => values[option] !== undefined && values[option] !== false);
    if (of !== undefined)
      throw new RejectedError('usage', `--${of} is for suites of a cluster, and this one is of the stack; take --only`);
    const seen = await withAccess(directory, 'smoke', (access) => access.call(runSmoke, { only }));
    return { ...seen, remarks: [] };
  }
  return await fromHere({
    directory,
    suite,
    only,
    leaveOut: { categories: listOf(values, 'skip') ?? [], cluster: values['without-cluster'] === true },
    kubeconfig: textOption(values, 'kubeconfig'),
    context: textOption(values, 'context'),
    cluster: textOption(values, 'cluster'),
    namespace: textOption(values, 'namespace') ?? 'vaultmesh',
    settings: settingsOf(listOf(values, 'set') ?? []),
    note,
  });
}

const FOR_OTHERS = ['skip', 'without-cluster', 'kubeconfig', 'context', 'cluster', 'namespace', 'set'];

async function shown({ values, json, print, note }: CommandContext, { report, remarks }: Look): Promise<number> {
  print(json ? JSON.stringify(report) : reportText(report));
  for (const remark of remarks) note(remark);
  if (report.verdict === 'could_not_run')
    note('Nothing could be looked at from here, so how it is stays unknown; what to do stands at each check.');
  // Last: a file that cannot be written costs nobody what was seen.
  const file = textOption(values, 'junit');
  if (file !== null) await writeJunit(file, report);
  return EXIT_OF[report.verdict];
}

async function writeJunit(file: string, report: Look['report']): Promise<void> {
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
