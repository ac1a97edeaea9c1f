import { serveJobs } from '#cli/threads.ts';
import { type LearningJob, type LearningResult, runJob } from './jobs/index.ts';

/** Thread of the learning bench. */
serveJobs<LearningJob, LearningResult>(runJob);
