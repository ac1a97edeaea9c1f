import type { BenchCase } from '../bench-case.ts';
import { bigquery } from './bigquery.ts';
import { bus } from './bus.ts';
import { coldStart } from './cold-start.ts';
import { image } from './image.ts';
import { ingest } from './ingest.ts';
import { ingestCloud } from './ingest-cloud.ts';
import { memory } from './memory.ts';
import { probes } from './probes.ts';
import { route } from './route.ts';
import { routeAlone } from './route-alone.ts';
import { routeMemory } from './route-memory.ts';
import { scoreHttp } from './score-http.ts';
import { scoring } from './scoring.ts';
import { training } from './training.ts';
import { trainingSet } from './training-set.ts';

/** In the order of the report. */
export const CASES: readonly BenchCase[] = [
  scoring,
  scoreHttp,
  route,
  routeAlone,
  ingest,
  bus,
  ingestCloud,
  bigquery,
  training,
  trainingSet,
  coldStart,
  image,
  memory,
  routeMemory,
  probes,
];
