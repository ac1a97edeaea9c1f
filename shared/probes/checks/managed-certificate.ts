/** Whether the managed certificate is active, for each name. What it looks like from outside is the tls check's. */
import { z } from 'zod';
import { AuroraError } from '#shared/errors.ts';
import { defineCheck, fail, pass } from '../check.ts';
import { clipped, instantOf, listOf, metadata, namesOf, sentence } from '../kubernetes/objects.ts';
import { PUBLIC_HOSTS } from '../kubernetes/public-hosts.ts';
import { rounded } from '../seen.ts';

const DAY_MS = 86_400_000;

const managed = z.object({
  metadata,
  spec: z.object({ domains: z.array(z.string()).nullish() }).nullish(),
  status: z
    .object({
      certificateStatus: z.string().nullish(),
      domainStatus: z.array(z.object({ domain: z.string(), status: z.string() })).nullish(),
      expireTime: z.string().nullish(),
    })
    .nullish(),
});

export const managedCertificateCheck = defineCheck({
  kind: 'managed_certificate',
  on: 'kubernetes',
  spec: z.strictObject({
    certificate: z.string().min(1).max(253).default('vaultmesh-cert'),
    /** Names that it must hold. */
    domains: z.array(z.string().min(1).max(253)).max(100).default(Object.keys(PUBLIC_HOSTS)),
    // It is renewed a month before its end: with two weeks left, renewing has failed, whatever its status says.
    min_days: z.number().min(0).max(90).default(14),
  }),
  async observe(spec, { namespace }, tools, context) {
    const path = `/apis/networking.gke.io/v1/namespaces/${namespace}/managedcertificates`;
    let all: readonly z.infer<typeof managed>[];
    try {
      all = await listOf(tools.kubernetes({ namespace }), path, managed, context);
    } catch (error) {
      if (error instanceof AuroraError && error.code === 'not_found') return { known: false, namespace, found: null };
      throw error;
    }
    const found = all.find(({ metadata: { name } }) => name === spec.certificate);
    if (found === undefined) return { known: true, namespace, found: null };
    return {
      known: true,
      namespace,
      found: {
        status: found.status?.certificateStatus ?? 'none yet',
        domains: found.spec?.domains ?? [],
        byDomain: found.status?.domainStatus ?? [],
        expires: found.status?.expireTime ?? null,
      },
    };
  },
  judge(spec, { known, namespace, found }, nowMs) {
    if (found === null)
      return fail(
        { certificate: spec.certificate, found: false, known },
        sentence(
          known
            ? `There is no ManagedCertificate ${spec.certificate} in ${namespace}: apply it again.`
            : 'The cluster knows no ManagedCertificate: it is none of GKE, or its controller is off.',
        ),
      );
    const missing = spec.domains.filter((domain) => !found.domains.includes(domain));
    const statusOf = (domain: string): string =>
      found.byDomain.find((one) => one.domain === domain)?.status ?? 'none yet';
    const waiting = found.domains.filter((domain) => statusOf(domain) !== 'Active');
    const evidence = {
      certificate: spec.certificate,
      found: true,
      status: clipped(found.status),
      domains: found.domains.length,
      missing: namesOf(missing),
      not_active: namesOf(waiting.map((domain) => `${domain}: ${statusOf(domain)}`)),
      expires: found.expires === null ? null : clipped(found.expires),
    };
    if (missing.length > 0)
      return fail(
        evidence,
        sentence(
          `It does not hold ${missing[0]}: make a certificate with all names beside it, and change over when it is active.`,
        ),
      );
    const [first] = waiting;
    if (first !== undefined) return fail(evidence, sentence(remedyOf(first, statusOf(first))));
    if (found.status !== 'Active')
      return fail(
        evidence,
        sentence(
          `Read what its controller says: kubectl -n ${namespace} describe managedcertificate ${spec.certificate}.`,
        ),
      );
    const endMs = instantOf(found.expires);
    if (endMs !== null && endMs - nowMs < spec.min_days * DAY_MS)
      return fail(
        { ...evidence, days_left: rounded((endMs - nowMs) / DAY_MS), min_days: spec.min_days },
        sentence(
          `It ends soon and was not renewed, though it says that it is active: see whether each name still leads to the ingress, and what its controller says (kubectl -n ${namespace} describe managedcertificate ${spec.certificate}).`,
        ),
      );
    return pass(evidence);
  },
});

/** https://cloud.google.com/kubernetes-engine/docs/how-to/managed-certs says what each status means. */
function remedyOf(domain: string, status: string): string {
  if (status === 'FailedNotVisible')
    return `Google does not find the load balancer under ${domain}: point its DNS records (A, AAAA) at the address of the ingress.`;
  if (status === 'FailedCaaChecking' || status === 'FailedCaaForbidden')
    return `The CAA records of ${domain} forbid it: let them name pki.goog and letsencrypt.org.`;
  if (status === 'FailedRateLimited') return `Too many certificates were asked for ${domain}: wait for a day.`;
  return `${domain} is not issued yet: it takes up to an hour after its DNS records point at the ingress; check those if it takes longer.`;
}
