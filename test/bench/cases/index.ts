import type { BenchCase } from '../bench-case.ts';
import { bus } from './bus.ts';
import { ingest } from './ingest.ts';
import { scoreHttp } from './score-http.ts';
import { scoring } from './scoring.ts';
import { training } from './training.ts';

/** In the order of the report. */
export const CASES: readonly BenchCase[] = [scoring, scoreHttp, ingest, bus, training];
