/** How many cases a property test runs: AURORA_TEST_CASES, by default 1,000 (`npm run test:deep` sets 10,000). */
export function cases(): number {
  const given = process.env['AURORA_TEST_CASES'] ?? '1000';
  const count = Number(given);
  if (!Number.isSafeInteger(count) || count < 1)
    throw new Error(`AURORA_TEST_CASES: expected a whole number above 0, got ${JSON.stringify(given)}`);
  return count;
}
