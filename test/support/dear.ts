/**
 * Whether to run what costs ten seconds of a processor and more, and shows nothing that cheaper tests would not meet first: whole
 * stacks in a storm, the image from its Dockerfile, plans of terraform. Not in `npm test`; in `npm run test:all`, and in CI.
 */
export const runsDear: boolean = process.env['AURORA_TEST_ALL'] !== undefined;
