import { z } from 'zod';
import { startVm, type VmProcess } from './vm-process.ts';

const counts = z.object({ accepted: z.int(), distinct: z.int() });
const upLine = z.object({
  type: z.literal('up'),
  front_door: z.url(),
  operations_port: z.int(),
  functions: z.array(z.object({ name: z.string(), url: z.url() })),
});
const statusLine = z.object({
  type: z.literal('status'),
  world_time: z.iso.datetime(),
  decisions: counts,
  outcomes: counts,
  rejected: z.int(),
  dead_letters: z.int(),
  backlog: z.int(),
  live: z.int(),
  latest_model: z
    .object({ version: z.string(), verdict: z.string().nullable(), stage: z.enum(['online', 'apprentice', 'none']) })
    .nullable(),
  champion: z.object({ version: z.string(), promoted_at: z.string() }).nullable(),
});
export type StatusLine = z.infer<typeof statusLine>;

export interface RunningStack {
  readonly process: VmProcess;
  /** The front door. */
  readonly url: string;
  readonly functions: ReadonlyMap<string, string>;
  /** The next line of counters that fulfils the condition. */
  status(holds: (line: StatusLine) => boolean): Promise<StatusLine>;
  /** Ctrl-C; resolves with the exit code. */
  stop(): Promise<number | null>;
}

/** `vm up --json` on free ports, without traffic of its own. The process is there at once, the stack when it says so. */
export function launchUp(directory: string, options: Readonly<Record<string, string>> = {}): VmProcess {
  const words = Object.entries({ port: '0', traffic: '0', ...options }).flatMap(([name, value]) => [
    `--${name}`,
    value,
  ]);
  return startVm(['up', '--json', '--dir', directory, ...words]);
}

/** Resolves when the doors are open. @throws when the process ends before */
export async function untilUp(launched: VmProcess): Promise<RunningStack> {
  const up = await launched.line((line) => read(upLine, line));
  return {
    process: launched,
    url: up.front_door,
    functions: new Map(up.functions.map(({ name, url }) => [name, url])),
    status: (holds) => {
      const from = launched.stdout().length;
      let seen = 0;
      return launched.line((line) => {
        seen += line.length + 1;
        // Lines from before the question do not answer it.
        if (seen <= from) return undefined;
        const status = read(statusLine, line);
        return status !== undefined && holds(status) ? status : undefined;
      });
    },
    async stop() {
      launched.child.kill('SIGINT');
      return (await launched.ended).code;
    },
  };
}

function read<T>(schema: z.ZodType<T>, line: string): T | undefined {
  const parsed = schema.safeParse(JSON.parse(line));
  return parsed.success ? parsed.data : undefined;
}
