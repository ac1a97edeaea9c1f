import { runsDear } from './dear.ts';

/** How many generated cases a property gets: 300 in `npm test`, 1,000 in `npm run test:all` and CI, 10,000 in `npm run test:deep`. */
export const testCases: number = Number(process.env['AURORA_TEST_CASES'] ?? (runsDear ? 1_000 : 300));
