/** `vm agent --stdio` in a process of its own, asked line by line. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { lineBytes } from '#cli/line-bytes.ts';

/** An answer is some hundred bytes per candidate. */
const MAX_ANSWER_BYTES = 2 ** 20;
const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));

export interface AgentProcess {
  /** A line that is owed no answer. */
  tell(line: object): void;
  /** @throws Error when the process ends, or answers with an error */
  ask(line: object): Promise<Readonly<Record<string, unknown>>>;
  /** Closes its stdin and waits for its end. @returns sha256 of all that it answered */
  end(): Promise<string>;
}

export function startAgent(args: readonly string[]): AgentProcess {
  const child = spawn(process.execPath, ['cli/vm.mjs', 'agent', '--stdio', ...args], {
    cwd: ROOT,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const said = createHash('sha256');
  const answers = lineBytes(child.stdout, MAX_ANSWER_BYTES);
  // Between two answers there are a few lines at most, so nothing piles up.
  const tell = (line: object): void => void child.stdin.write(`${JSON.stringify(line)}\n`);
  return {
    tell,
    async ask(line) {
      tell(line);
      const { value: bytes } = await answers.next();
      if (bytes == null) throw new Error('the agent ended before it answered');
      said.update(bytes).update('\n');
      const answer = JSON.parse(bytes.toString()) as Readonly<Record<string, unknown>>;
      if (answer['type'] === 'error') throw new Error(`the agent refused a line: ${bytes.toString()}`);
      return answer;
    },
    async end() {
      child.stdin.end();
      const [code] = await ended;
      if (code !== 0) throw new Error(`the agent ended with ${code}`);
      return said.digest('hex');
    },
  };
}
