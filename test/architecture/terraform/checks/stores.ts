/** What lasts: bucket, dataset, registry, secrets. */
import { type Check, unlike } from '../check.ts';
import { localsIn, moduleCall, ref, resource } from '../parsed.ts';

const GENERATED = `${ref('path.module')}/../../schemas`;

export const STORES: readonly Check[] = [
  {
    says: 'the bucket is versioned, gives a week to take back a mistake, is closed to the public, and drops what has expired',
    breaches: (parsed) => [
      ...unlike('bucket', resource(parsed, 'modules/bucket', 'google_storage_bucket.this'), {
        uniform_bucket_level_access: true,
        public_access_prevention: 'enforced',
        force_destroy: ref('!var.protected'),
        versioning: [{ enabled: true }],
        soft_delete_policy: [{ retention_duration_seconds: 604_800 }],
        lifecycle_rule: [
          { action: [{ type: 'Delete' }], condition: [{ days_since_noncurrent_time: 1, with_state: 'ARCHIVED' }] },
          { action: [{ type: 'Delete' }], condition: [{ days_since_custom_time: 1, matches_prefix: ['state/'] }] },
        ],
      }),
      ...unlike('module.bucket', moduleCall(parsed, 'aurora', 'bucket'), { name: ref('var.bucket') }),
    ],
  },
  {
    says: 'tables and views are the generated ones, and cannot be lost by a plan',
    breaches: (parsed) => [
      ...unlike(
        'local.index',
        localsIn(parsed, 'modules/dataset')['index'],
        ref(`jsondecode(file("${GENERATED}/index.json"))`),
      ),
      ...unlike('dataset', resource(parsed, 'modules/dataset', 'google_bigquery_dataset.this'), {
        delete_contents_on_destroy: ref('!var.protected'),
      }),
      ...unlike('event', resource(parsed, 'modules/dataset', 'google_bigquery_table.event'), {
        for_each: ref('local.index.tables'),
        schema: ref(`file("${GENERATED}/${ref('each.key')}.json")`),
        clustering: ref('each.value.cluster_by'),
        require_partition_filter: ref('each.value.require_partition_filter'),
        deletion_protection: ref('var.protected'),
        time_partitioning: [{ type: ref('each.value.partition_type'), field: ref('each.value.partition_by') }],
      }),
      ...unlike('distinct', resource(parsed, 'modules/dataset', 'google_bigquery_table.distinct'), {
        for_each: ref('local.index.tables'),
        table_id: ref('each.value.view'),
        view: [{ use_legacy_sql: false }],
        depends_on: [ref('google_bigquery_table.event')],
      }),
    ],
  },
  {
    says: 'a tag names one image for ever, and the newest images stay',
    breaches: (parsed) =>
      unlike('registry', resource(parsed, 'modules/registry', 'google_artifact_registry_repository.this'), {
        format: 'DOCKER',
        docker_config: [{ immutable_tags: true }],
        cleanup_policies: [
          { action: 'KEEP', most_recent_versions: [{ keep_count: ref('var.keep_count') }] },
          { action: 'DELETE', condition: [{ tag_state: 'UNTAGGED', older_than: `${ref('var.keep_days * 86400')}s` }] },
        ],
      }),
  },
  {
    says: 'a secret is kept in the region of the functions',
    breaches: (parsed) =>
      unlike('secret', resource(parsed, 'modules/secret', 'google_secret_manager_secret.this'), {
        secret_id: ref('var.name'),
        replication: [{ user_managed: [{ replicas: [{ location: ref('var.region') }] }] }],
      }),
  },
];
