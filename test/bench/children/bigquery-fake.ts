/** BigQuery's fake in a process of its own, so that who measures does not also answer. */
import { startBigqueryFake } from '#test/support/bigquery/server.ts';

const fake = await startBigqueryFake();
fake.fault = () => {
  // Nobody looks at them here, and they would grow with the run.
  fake.requests.length = 0;
  return null;
};
process.stdout.write(`${JSON.stringify({ url: fake.endpoint })}\n`);
process.once('SIGTERM', () => void fake.close().then(() => process.exit(0)));
