import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { startVm, type VmProcess } from './vm-process.ts';

const counts = z.object({ accepted: z.int(), distinct: z.int() });
const upLine = z.object({
  type: z.literal('up'),
  front_door: z.url(),
  operations_port: z.int(),
  functions: z.array(z.object({ name: z.string(), url: z.url() })),
});
const statusNow = z.object({
  world_time: z.iso.datetime(),
  decisions: counts,
  outcomes: counts,
  rejected: z.int(),
  dead_letters: z.int(),
  backlog: z.int(),
  latest_model: z
    .object({ version: z.string(), verdict: z.string().nullable(), stage: z.enum(['online', 'apprentice', 'none']) })
    .nullable(),
  champion: z.object({ version: z.string(), promoted_at: z.string() }).nullable(),
});
type Status = z.infer<typeof statusNow>;

const live = z.object({ deployments: z.array(z.unknown()) });
/** One of whatever tenant and provider. */
const ONE = { tenant_id: null, provider: null, after: '', limit: 1 };

/** What waits for a stack asks it so often: each time it counts its whole record. Its own lines come in step with its clocks, and may always see what those have just begun. */
const ASK_EVERY_MS = 200;

export interface RunningStack {
  readonly process: VmProcess;
  /** The front door. */
  readonly url: string;
  readonly functions: ReadonlyMap<string, string>;
  /** Asked at its operations door, as `vm status` does, until the condition holds. @throws when the process ends before */
  status(holds: (now: Status) => boolean): Promise<Status>;
  /** Resolves when no message waits and nothing lives. */
  over(): Promise<Status>;
  /** Ctrl-C; resolves with the exit code. */
  stop(): Promise<number | null>;
}

/** `vm up --json` on free ports, without traffic of its own. The process is there at once, the stack when it says so. */
export function launchUp(directory: string, options: Readonly<Record<string, string>> = {}): LaunchedUp {
  const words = Object.entries({ port: '0', traffic: '0', ...options }).flatMap(([name, value]) => [
    `--${name}`,
    value,
  ]);
  return { ...startVm(['up', '--json', '--dir', directory, ...words]), directory };
}

type LaunchedUp = VmProcess & { readonly directory: string };

/** Resolves when the doors are open. @throws when the process ends before */
export async function untilUp(launched: LaunchedUp): Promise<RunningStack> {
  const up = await launched.line((line) => read(upLine, line));
  const ask = async (operation: string, params: unknown): Promise<unknown> => {
    const { token } = JSON.parse(await readFile(join(launched.directory, 'stack.json'), 'utf8'));
    const request = { method: 'POST', body: JSON.stringify(params), headers: { authorization: `Bearer ${token}` } };
    const url = `http://127.0.0.1:${up.operations_port}/ops/${operation}`;
    const answer = await fetch(url, request).catch(async (cause) => {
      throw new Error(`the stack is gone: ${(await launched.ended).stderr}`, { cause });
    });
    return answer.json();
  };
  const status = async (holds: (now: Status) => boolean): Promise<Status> => {
    for (;;) {
      const now = statusNow.parse(await ask('status', {}));
      if (holds(now)) return now;
      await sleep(ASK_EVERY_MS);
    }
  };
  return {
    process: launched,
    url: up.front_door,
    functions: new Map(up.functions.map(({ name, url }) => [name, url])),
    status,
    async over() {
      for (;;) {
        // In this order: what waits may still begin to live.
        const now = await status(({ backlog }) => backlog === 0);
        const { deployments } = live.parse(await ask('deployments.list', ONE));
        if (deployments.length === 0) return now;
        await sleep(ASK_EVERY_MS);
      }
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
