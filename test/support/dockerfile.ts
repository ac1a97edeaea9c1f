/**
 * A Dockerfile read as text, and followed without Docker: every stage is a folder, what is copied is what .dockerignore lets in,
 * commands run with the Node of this process. It knows the instructions that ours uses, one a line, and refuses any other.
 */
import { execFile } from 'node:child_process';
import { chmod, cp, lchown, lstat, mkdir, readdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface Step {
  readonly instruction: string;
  /** `--from=build` and the like. */
  readonly flags: Readonly<Record<string, string>>;
  readonly words: readonly string[];
}
export interface Stage {
  readonly base: string;
  readonly name: string;
  readonly steps: readonly Step[];
}
export interface Dockerfile {
  /** Before the first stage. */
  readonly args: Readonly<Record<string, string>>;
  readonly stages: readonly Stage[];
}

export function parseDockerfile(text: string): Dockerfile {
  const args: Record<string, string> = {};
  const stages: { base: string; name: string; steps: Step[] }[] = [];
  for (const line of text.split('\n').filter((one) => one !== '' && !one.startsWith('#'))) {
    const [instruction = '', ...rest] = line.split(' ');
    if (instruction === 'FROM') {
      const [base = '', as, name = `stage-${stages.length}`, ...more] = rest;
      if (more.length > 0 || (as !== undefined && as !== 'AS')) throw new Error(`not understood: ${line}`);
      stages.push({ base, name, steps: [] });
    } else if (instruction === 'ARG' && stages.length === 0) {
      const [, name = '', value = ''] = /^(\w+)=(\S+)$/.exec(rest.join(' ')) ?? [];
      args[name] = value;
    } else {
      const stage = stages.at(-1);
      if (stage === undefined) throw new Error(`before the first stage: ${line}`);
      const flags = rest
        .filter((word) => word.startsWith('--'))
        .map((word) => word.slice(2).split('=') as [string, string]);
      const words = rest.filter((word) => !word.startsWith('--'));
      // Without brackets it would be a line for a shell.
      const exec = words[0]?.startsWith('[') === true;
      if ((instruction === 'RUN' || instruction === 'ENTRYPOINT') && !exec)
        throw new Error(`not in exec form: ${line}`);
      stage.steps.push({
        instruction,
        flags: Object.fromEntries(flags),
        words: exec ? (JSON.parse(words.join(' ')) as string[]) : words,
      });
    }
  }
  return { args, stages };
}

/** Everything is ignored but the names at the top that it lists. */
export function parseDockerignore(text: string): ReadonlySet<string> {
  const [first, ...names] = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const wrong = names.find((line) => !/^![\w.-]+$/.test(line));
  if (first !== '*' || wrong !== undefined)
    throw new Error(`.dockerignore: expected *, then !NAME, got ${wrong ?? first}`);
  return new Set(names.map((line) => line.slice(1)));
}

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

const ROOT: Owner = { uid: 0, gid: 0 };

export interface Followed {
  readonly workdir: string;
  readonly env: Readonly<Record<string, string>>;
  readonly user: string;
  readonly entrypoint: readonly string[];
}

export interface FollowOptions {
  /** The build context. */
  readonly root: string;
  /** Empty; the stages become folders in it. */
  readonly directory: string;
  /** Who `node` is; null: nobody else can be had here, so it is whoever runs this. */
  readonly node: Owner | null;
}

export async function followDockerfile({ root, directory, node }: FollowOptions): Promise<Followed> {
  const { stages } = parseDockerfile(await readFile(join(root, 'Dockerfile'), 'utf8'));
  const allowed = parseDockerignore(await readFile(join(root, '.dockerignore'), 'utf8'));
  let last: Followed | undefined;
  for (const { name, steps } of stages) {
    const at = join(directory, name);
    await mkdir(at);
    const env: Record<string, string> = {};
    let [workdir, user, entrypoint] = ['/', 'root', [] as readonly string[]];
    for (const { instruction, flags, words } of steps) {
      const here = join(at, workdir);
      if (instruction === 'WORKDIR') {
        workdir = words[0] ?? '';
        await mkdir(join(at, workdir), { recursive: true });
      } else if (instruction === 'ENV') {
        for (const word of words) env[word.slice(0, word.indexOf('='))] = word.slice(word.indexOf('=') + 1);
      } else if (instruction === 'USER') {
        user = words[0] ?? '';
      } else if (instruction === 'ENTRYPOINT') {
        entrypoint = words;
      } else if (instruction === 'COPY') {
        const from = flags['from'] === undefined ? root : join(directory, flags['from']);
        const target = join(here, words.at(-1) ?? '');
        for (const source of words.slice(0, -1)) {
          if (flags['from'] === undefined && !allowed.has(source.split('/')[0] ?? ''))
            throw new Error(`.dockerignore keeps ${source} out`);
          // A folder's content, a file by its name.
          const isFile = (await lstat(join(from, source))).isFile();
          await cp(join(from, source), isFile ? join(target, source) : target, { recursive: true });
        }
        // A copy keeps its owner; in Docker it is root's, unless it says another.
        if (node !== null) await chownAll(target, flags['chown'] === 'node:node' ? node : ROOT);
      } else if (instruction === 'RUN') {
        await run(words, { here, root, env, owner: user === 'node' ? node : null });
      } else {
        throw new Error(`not understood: ${instruction}`);
      }
    }
    last = { workdir: join(at, workdir), env, user, entrypoint };
  }
  if (last === undefined) throw new Error('no stage');
  return last;
}

async function run(
  [program = '', ...args]: readonly string[],
  {
    here,
    root,
    env,
    owner,
  }: { here: string; root: string; env: Readonly<Record<string, string>>; owner: Owner | null },
): Promise<void> {
  // What it would make of the lock file lies in the repository already.
  if (program === 'npm' && args.join() === 'ci')
    return await symlink(join(root, 'node_modules'), join(here, 'node_modules'));
  const { PATH = '', GOGC } = process.env;
  await promisify(execFile)(program === 'node' ? process.execPath : program, args, {
    cwd: here,
    env: { PATH, ...(GOGC === undefined ? {} : { GOGC }), ...env },
    ...owner,
  });
}

async function chownAll(directory: string, { uid, gid }: Owner): Promise<void> {
  for (const entry of ['.', ...(await readdir(directory, { recursive: true }))])
    await lchown(join(directory, entry), uid, gid);
}

/** Takes away every right to write. */
export async function makeReadOnly(directory: string): Promise<() => Promise<void>> {
  const entries = [
    directory,
    ...(await readdir(directory, { recursive: true })).map((entry) => join(directory, entry)),
  ];
  for (const entry of entries) await chmod(entry, (await lstat(entry)).mode & 0o555);
  return async () => {
    for (const entry of entries) if ((await lstat(entry)).isDirectory()) await chmod(entry, 0o755);
  };
}
