import { backup } from './backup.ts';
import { sayControl, showControl, showControlHistory } from './control.ts';
import { listDeployments } from './deployments.ts';
import { listDeadLetters, replayDeadLetters, showDeadLetter } from './dlq.ts';
import { knownEvents, publishEvents } from './events.ts';
import { explainDecision } from './explain.ts';
import { showLearner } from './learner.ts';
import { listOffers, listProviders } from './market.ts';
import { listModels, modelHistory, promoteModel, rollbackModel, showModel } from './models.ts';
import type { Operation } from './operation.ts';
import { championAge, countDeadLetters, hasCanary, offersAge, publishCanary, publishJob } from './probing.ts';
import { estimateQueries } from './queries.ts';
import { listRejected, replayRejected } from './rejected.ts';
import { beginReproduction, lookAtReproduction } from './reproduction.ts';
import { runSmoke } from './smoke.ts';
import { status } from './status.ts';
import { requestTraining, trainingResult } from './training.ts';
import { showTrials } from './trials.ts';

/** All that a running stack answers at its operations door. */
export const OPERATIONS: readonly Operation<never, unknown>[] = [
  status,
  backup,
  publishEvents,
  knownEvents,
  requestTraining,
  trainingResult,
  listModels,
  showModel,
  showLearner,
  beginReproduction,
  lookAtReproduction,
  promoteModel,
  rollbackModel,
  modelHistory,
  showControl,
  sayControl,
  showControlHistory,
  showTrials,
  explainDecision,
  listOffers,
  listProviders,
  listDeployments,
  listDeadLetters,
  showDeadLetter,
  replayDeadLetters,
  estimateQueries,
  listRejected,
  replayRejected,
  runSmoke,
  publishCanary,
  hasCanary,
  countDeadLetters,
  championAge,
  offersAge,
  publishJob,
] as unknown as readonly Operation<never, unknown>[];
