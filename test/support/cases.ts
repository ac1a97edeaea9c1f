/** How many generated cases a property gets: 1,000 in `npm test`, 10,000 in `npm run test:deep`. */
export const testCases: number = Number(process.env['AURORA_TEST_CASES'] ?? 1_000);
