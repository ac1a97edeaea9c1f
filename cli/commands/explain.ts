import { setTimeout as sleep } from 'node:timers/promises';
import { hostClock } from '#shared/adapters/clock/host.ts';
import { RejectedError } from '#shared/errors.ts';
import { type Command, EXIT } from '../command.ts';
import type { Explanation } from '../explain/explanation.ts';
import { explanationText } from '../explain/words.ts';
import { type Access, withAccess } from '../ops/access.ts';
import { explainDecision } from '../ops/explain.ts';

/** What was decided a moment ago is still on its way into the record. */
const PATIENCE_MS = 2_000;
const POLL_MS = 200;

export const explainCommand: Command = {
  name: 'explain',
  summary: 'one decision: who acted and why, why not the others, what became of it',
  usage: 'DECISION_ID [options]',
  options: {},
  help: {},
  notes: ['The id is in the answer of POST /route. Everything is computed from the row of the decision alone.'],
  examples: ['vm explain 3f1c0a5be1d24c5c8f0f6f2c0c1d7a90', 'vm explain 3f1c0a5be1d24c5c8f0f6f2c0c1d7a90 --json'],
  positionals: { min: 1, max: 1 },
  run: async ({ directory, json, print, positionals }) => {
    const id = positionals[0] ?? '';
    const explanation = await withAccess(directory, 'explain', (access) => explained(access, id));
    print(json ? JSON.stringify(explanation) : explanationText(explanation));
    return EXIT.ok;
  },
};

async function explained(access: Access, decisionId: string): Promise<Explanation> {
  const giveUpAt = hostClock.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await access.call(explainDecision, { decision_id: decisionId });
    } catch (error) {
      const unknown = error instanceof RejectedError && error.code === 'decision_unknown';
      if (!unknown || hostClock.now() >= giveUpAt) throw error;
    }
    await sleep(POLL_MS);
  }
}
