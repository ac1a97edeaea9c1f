/** Whether the way in has an address, and each name leads to the service that it names: a name once led to the neighbour's. */
import { z } from 'zod';
import { defineCheck, fail, pass } from '../check.ts';
import { listOf, metadata, namesOf, sentence } from '../kubernetes/objects.ts';
import { PUBLIC_HOSTS } from '../kubernetes/public-hosts.ts';

const backend = z.object({ service: z.object({ name: z.string() }).nullish() }).nullish();
const ingressObject = z.object({
  metadata,
  spec: z
    .object({
      rules: z
        .array(
          z.object({
            host: z.string().nullish(),
            http: z.object({ paths: z.array(z.object({ backend })) }).nullish(),
          }),
        )
        .nullish(),
    })
    .nullish(),
  status: z
    .object({
      loadBalancer: z
        .object({ ingress: z.array(z.object({ ip: z.string().nullish(), hostname: z.string().nullish() })).nullish() })
        .nullish(),
    })
    .nullish(),
});

export const ingressCheck = defineCheck({
  kind: 'ingress',
  on: 'kubernetes',
  spec: z.strictObject({
    /** Of one by its name; absent: all of the namespace together. */
    ingress: z.string().min(1).max(253).optional(),
    /** Name -> the service that it leads to; null: whichever. */
    hosts: z.record(z.string().min(1).max(253), z.string().nullable()).default(PUBLIC_HOSTS),
  }),
  async observe(spec, { namespace }, tools, context) {
    const path = `/apis/networking.k8s.io/v1/namespaces/${namespace}/ingresses`;
    const all = await listOf(tools.kubernetes({ namespace }), path, ingressObject, context);
    const wanted = all.filter(({ metadata: { name } }) => spec.ingress === undefined || name === spec.ingress);
    return {
      namespace,
      ingresses: wanted.map(({ metadata: { name }, status }) => ({
        name,
        addresses: (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => ip ?? hostname ?? []),
      })),
      rules: wanted.flatMap((one) =>
        (one.spec?.rules ?? []).map(({ host, http }) => ({
          host: host ?? '*',
          services: (http?.paths ?? []).map((each) => each.backend?.service?.name ?? null),
        })),
      ),
    };
  },
  judge(spec, { namespace, ingresses, rules }) {
    const wanted = Object.entries(spec.hosts);
    const servicesOf = (host: string): readonly (string | null)[] =>
      rules.flatMap((rule) => (rule.host === host ? rule.services : []));
    const missing = wanted.filter(([host]) => servicesOf(host).length === 0).map(([host]) => host);
    const astray = wanted.flatMap(([host, service]) => {
      const wrong = service === null ? undefined : servicesOf(host).find((one) => one !== service);
      return wrong === undefined ? [] : [`${host} -> ${wrong ?? 'nothing'}, expected ${service}`];
    });
    const without = ingresses.filter(({ addresses }) => addresses.length === 0).map(({ name }) => name);
    const evidence = {
      ingresses: ingresses.length,
      addresses: namesOf(ingresses.flatMap(({ addresses }) => addresses)),
      without_address: namesOf(without),
      hosts_missing: namesOf(missing),
      astray: namesOf(astray),
    };
    if (ingresses.length === 0)
      return fail(
        evidence,
        sentence(
          `There is no ingress ${spec.ingress ?? ''} in ${namespace}: apply its manifests again.`.replace('  ', ' '),
        ),
      );
    const [dark] = without;
    if (dark !== undefined)
      return fail(
        evidence,
        sentence(
          `${dark} has no address: read what its controller says (kubectl -n ${namespace} describe ingress ${dark}); a new one takes some minutes.`,
        ),
      );
    if (missing.length > 0)
      return fail(evidence, sentence(`Nothing leads from ${missing[0]}: add its rule to the ingress.`));
    if (astray.length > 0)
      return fail(evidence, sentence(`Correct the backend in the rule of the ingress: ${astray[0]}.`));
    return pass(evidence);
  },
});
