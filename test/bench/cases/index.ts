import type { BenchCase } from '../bench-case.ts';
import { scoreHttp } from './score-http.ts';
import { scoring } from './scoring.ts';

/** In the order of the report. */
export const CASES: readonly BenchCase[] = [scoring, scoreHttp];
