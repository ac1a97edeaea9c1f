/** Services, the job and the clock: every function runs, and is called by whom it should be. */
import { DEPLOYED } from '#cli/dev/bundle.ts';
import { type Check, differing, functionsOf, unlike } from '../check.ts';
import { FOLDERS, JOB_DEADLINE_MS, needsOf } from '../code.ts';
import { localsIn, moduleCall, ref, resource } from '../parsed.ts';

export const INVOKER = { role: 'roles/run.invoker', member: `serviceAccount:${ref('each.value')}` };
const SERVICE = {
  custom_audiences: [ref('var.audience')],
  template: [
    {
      service_account: ref('var.service_account'),
      timeout: `${ref('var.timeout_seconds')}s`,
      scaling: [{ min_instance_count: ref('var.instances.min'), max_instance_count: ref('var.instances.max') }],
      containers: [
        {
          image: ref('var.image'),
          resources: [{ cpu_idle: ref('!var.always_on') }],
          startup_probe: [{ http_get: [{ path: '/health' }] }],
          liveness_probe: [{ http_get: [{ path: '/health' }] }],
          dynamic: {
            env: [
              { content: [{ name: ref('env.key'), value: ref('env.value') }] },
              {
                for_each: ref('var.secrets'),
                content: [
                  {
                    name: ref('env.key'),
                    value_source: [{ secret_key_ref: [{ secret: ref('env.value'), version: 'latest' }] }],
                  },
                ],
              },
            ],
          },
        },
      ],
    },
  ],
  // What the deployment moves, a plan must not move back.
  lifecycle: [{ ignore_changes: [ref('traffic'), ref('template[0].revision')] }],
};

export const FUNCTIONS: readonly Check[] = [
  {
    says: 'every folder of functions/ is a service, and the image holds it',
    breaches: (parsed) => {
      const functions = functionsOf(parsed);
      const locals = localsIn(parsed, 'aurora');
      return [
        ...differing('functions', Object.keys(functions), FOLDERS),
        ...differing('image', DEPLOYED, FOLDERS),
        ...unlike(
          'local.functions',
          locals['functions'],
          ref('{ for name, own in local.own : name => merge(local.usual, own) }'),
        ),
        ...unlike('module.function', moduleCall(parsed, 'aurora', 'function'), { for_each: ref('local.functions') }),
      ];
    },
  },
  {
    says: 'a service runs its image as its own account, is probed, and keeps the traffic that the deployment gave it',
    breaches: (parsed) => [
      ...unlike('service', resource(parsed, 'modules/function', 'google_cloud_run_v2_service.this'), SERVICE),
      ...unlike('account', moduleCall(parsed, 'aurora', 'function'), {
        service_account: ref('google_service_account.function[each.key].email'),
        secrets: ref('{ for variable in local.secrets[each.key] : variable => module.secret[variable].id }'),
      }),
      ...unlike('accounts', resource(parsed, 'aurora', 'google_service_account.function'), {
        for_each: ref('local.functions'),
      }),
    ],
  },
  {
    says: 'only service accounts call, and each token is made out for the one that is called',
    breaches: (parsed) => [
      ...unlike('caller', resource(parsed, 'modules/function', 'google_cloud_run_v2_service_iam_member.caller'), {
        ...INVOKER,
        for_each: ref('var.callers'),
      }),
      ...unlike('module.function', moduleCall(parsed, 'aurora', 'function'), {
        audience: ref('local.url[each.key]'),
        callers: ref('local.callers[each.key]'),
      }),
      ...unlike('module.subscription', moduleCall(parsed, 'aurora', 'subscription'), {
        audience: ref('local.url[each.value.function]'),
      }),
      ...unlike('module.cron', moduleCall(parsed, 'aurora', 'cron'), { audience: ref('local.url[each.key]') }),
    ],
  },
  {
    says: 'whoever has a door for the clock is asked by it, with a token and without repetition',
    breaches: (parsed) => [
      ...differing(
        'asked by the clock',
        Object.entries(functionsOf(parsed)).flatMap(([name, { every }]) => (every === null ? [] : [name])),
        FOLDERS.filter((name) => needsOf(name).ticks),
      ),
      ...unlike('module.cron', moduleCall(parsed, 'aurora', 'cron'), {
        for_each: ref('{ for name, function in local.functions : name => function if function.every != null }'),
      }),
      ...unlike('cron', resource(parsed, 'modules/cron', 'google_cloud_scheduler_job.this'), {
        attempt_deadline: `${ref('var.deadline_seconds')}s`,
        retry_config: [{ retry_count: 0 }],
        http_target: [
          {
            http_method: 'POST',
            uri: `${ref('var.url')}/run`,
            oidc_token: [{ service_account_email: ref('var.caller'), audience: ref('var.audience') }],
          },
        ],
      }),
    ],
  },
  {
    says: 'route and score are those that somebody waits for: they, and who writes between requests, are never without an instance',
    breaches: (parsed) =>
      Object.entries(functionsOf(parsed)).flatMap(([name, { awaited, always_on, instances }]) => [
        ...unlike(name, { awaited }, { awaited: name === 'route' || name === 'score' }),
        ...unlike(
          name,
          { always_on, ready: instances.min > 0 },
          { always_on: awaited || name === 'learn', ready: always_on },
        ),
      ]),
  },
  {
    says: 'an instance is not sent more requests than the function lets in, and statistics have a single writer',
    breaches: (parsed) => {
      const functions = functionsOf(parsed);
      return [
        ...Object.entries(functions)
          .filter(([name, { parallel }]) => !(parallel <= needsOf(name).maxConcurrent))
          .map(([name, { parallel }]) => `${name}: ${parallel} at a time, it lets in ${needsOf(name).maxConcurrent}`),
        ...unlike('learn', functions['learn']?.instances, { min: 1, max: 1 }),
      ];
    },
  },
  {
    says: 'the training job is the function train with more time, and train alone may start it, with overrides',
    breaches: (parsed) => [
      ...unlike('module.training_job', moduleCall(parsed, 'aurora', 'training_job'), {
        name: ref('local.training_job'),
        function: 'train',
        image: ref('var.image'),
        service_account: ref('google_service_account.function["train"].email'),
        starters: { train: ref('google_service_account.function["train"].email') },
        max_retries: 3,
      }),
      // It ends by itself, and says why, before it is ended.
      ...(Number(moduleCall(parsed, 'aurora', 'training_job')['timeout_seconds']) > JOB_DEADLINE_MS / 1_000
        ? []
        : ['job: too short']),
      ...unlike('job', resource(parsed, 'modules/job', 'google_cloud_run_v2_job.this'), {
        name: ref('var.name'),
        template: [
          {
            task_count: 1,
            template: [
              {
                service_account: ref('var.service_account'),
                timeout: `${ref('var.timeout_seconds')}s`,
                max_retries: ref('var.max_retries'),
                containers: [{ image: ref('var.image'), resources: [{ limits: { memory: ref('var.memory') } }] }],
              },
            ],
          },
        ],
        lifecycle: [{ ignore_changes: [ref('client')] }],
      }),
      ...unlike('starter', resource(parsed, 'modules/job', 'google_cloud_run_v2_job_iam_member.starter'), {
        for_each: ref('var.starters'),
        name: ref('google_cloud_run_v2_job.this.name'),
        role: 'roles/run.jobsExecutorWithOverrides',
        member: `serviceAccount:${ref('each.value')}`,
      }),
    ],
  },
];
