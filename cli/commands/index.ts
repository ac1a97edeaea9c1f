import type { Command } from '../command.ts';
import { agentCommand } from './agent.ts';
import { backupCommand } from './backup.ts';
import { controlCommands } from './control.ts';
import { deploymentCommands } from './deployments.ts';
import { explainCommand } from './explain.ts';
import { marketCommands } from './market.ts';
import { modelCommands } from './models.ts';
import { opeCommand } from './ope.ts';
import { queriesCommand } from './queries.ts';
import { queueCommands } from './queues.ts';
import { replayCommand } from './replay.ts';
import { resetCommand } from './reset.ts';
import { routeCommand } from './route.ts';
import { smokeCommand } from './smoke.ts';
import { statusCommand } from './status.ts';
import { trainCommand } from './train.ts';
import { trialsCommand } from './trials.ts';
import { upCommand } from './up.ts';
import { wargameCommand } from './wargame.ts';

/** Every command of `vm`, in the order of the overview. */
export const COMMANDS: readonly Command[] = [
  upCommand,
  statusCommand,
  smokeCommand,
  routeCommand,
  ...deploymentCommands,
  ...marketCommands,
  replayCommand,
  trainCommand,
  ...modelCommands,
  ...controlCommands,
  trialsCommand,
  explainCommand,
  opeCommand,
  agentCommand,
  wargameCommand,
  ...queueCommands,
  queriesCommand,
  backupCommand,
  resetCommand,
];
