import { DATASET, PROJECT } from './bigquery/server.ts';
import { BUCKET } from './gcs/server.ts';

/** What a function's environment says on Google Cloud, where that is the fakes of a test. */
export const cloudEnvironment = (endpoints: {
  readonly storage: string;
  readonly bigquery: string;
  /** `host:port`. */
  readonly pubsub: string;
}): Readonly<Record<string, string>> => ({
  AURORA_PLATFORM: 'gcp',
  AURORA_PROJECT: PROJECT,
  AURORA_BUCKET: BUCKET,
  AURORA_DATASET: DATASET,
  AURORA_LOCATION: 'EU',
  AURORA_STORAGE_ENDPOINT: endpoints.storage,
  AURORA_BIGQUERY_ENDPOINT: endpoints.bigquery,
  AURORA_PUBSUB_ENDPOINT: endpoints.pubsub,
});
