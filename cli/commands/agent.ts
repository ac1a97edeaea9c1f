import { once } from 'node:events';
import { RejectedError } from '#shared/errors.ts';
import { EXPLORATION } from '#shared/learning/policy/thompson.ts';
import type { DriverStage } from '#shared/learning/stages/driver.ts';
import { trainInProcess } from '#shared/learning/stages/train-in-process.ts';
import { createAgentSession } from '../agent/session.ts';
import { type Command, EXIT } from '../command.ts';
import { lineBytes } from '../line-bytes.ts';
import { numberOption } from './options.ts';

/** 10,000 offers in plain words are about 2 MB. */
const MAX_LINE_BYTES = 8 * 1024 * 1024;
const STAGES: readonly DriverStage[] = ['online', 'auto', 'apprentice'];

export const agentCommand: Command = {
  name: 'agent',
  summary: 'the learning router over stdin and stdout: bring your own simulator or record',
  usage: '--stdio [--seed N] [--stage online|auto|apprentice]',
  options: {
    stdio: { type: 'boolean', default: false },
    seed: { type: 'string', default: '1' },
    stage: { type: 'string', default: 'online' },
  },
  help: {
    stdio: 'one JSON object a line on stdin, answers on stdout in order; the only way so far, so that it is said',
    seed: 'of the draws (default 1): a run is a function of its lines and the seed',
    stage:
      'online: the learner acts from the first decision (default); auto: the rules act until the learner has passed gate and switchback; apprentice: the rules act, the learner looks on',
  },
  examples: [
    'vm agent --stdio < lines.jsonl > answers.jsonl',
    'route: {"type":"route","at":"2026-01-01T00:00:00.000Z","request":{"request_id":"r1","workload_type":"general","gpu_type":"a100","region":"us-west","gpu_hours":2},"offers":[{"provider":"akash","offer_id":"a1","gpu_type":"a100","region":"us-west","usd_per_gpu_hour":0.9}]}',
    'outcomes: {"type":"outcome","at","decision_id","status":"ready|completed|failed_to_start|preempted|failed|cancelled", ...}',
    'how it stands: {"type":"flush"}',
  ],
  positionals: { min: 0, max: 0 },
  async run({ values }) {
    if (values['stdio'] !== true)
      throw new RejectedError('usage', 'pass --stdio: the agent talks over stdin and stdout');
    const session = createAgentSession({
      seed: numberOption(values, 'seed', { min: 0, max: Number.MAX_SAFE_INTEGER, whole: true }),
      stage: stageOf(values['stage']),
      exploration: EXPLORATION,
      train: trainInProcess,
    });
    let line = 0;
    for await (const bytes of lineBytes(process.stdin, MAX_LINE_BYTES)) {
      line += 1;
      if (bytes?.every(isSpace)) continue;
      const answer =
        bytes === null
          ? ({
              type: 'error',
              line,
              code: 'body_too_large',
              message: `expected at most ${MAX_LINE_BYTES} bytes a line`,
            } as const)
          : await session.handle(bytes, line);
      // Whoever reads slowly holds us back: nothing piles up here.
      if (answer !== null && !process.stdout.write(`${JSON.stringify(answer)}\n`)) await once(process.stdout, 'drain');
    }
    return EXIT.ok;
  },
};

const isSpace = (byte: number): boolean => byte === 0x20 || byte === 0x09 || byte === 0x0d;

function stageOf(given: string | boolean | undefined): DriverStage {
  const stage = STAGES.find((known) => known === given);
  if (stage === undefined)
    throw new RejectedError('usage', `--stage takes ${STAGES.join(' or ')}, got ${JSON.stringify(given)}`);
  return stage;
}
