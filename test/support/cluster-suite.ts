/** The checks of the cluster in the suite that `vm up` runs, as a suite of its own for one simulated cluster: everything is filled in, and nothing is waited for that need not be. */
import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { z } from 'zod';
import type { RunningCluster } from '#sim/cluster/index.ts';

const suite = z.looseObject({
  targets: z.record(z.string(), z.unknown()),
  checks: z.array(
    z.looseObject({
      kind: z.string(),
      target: z.string(),
      series: z.array(z.looseObject({ name: z.string() })).optional(),
    }),
  ),
});

const TARGETS = ['cluster', 'ingress', 'ingress-tls', 'psi-field', 'scheduler', 'analytics', 'loki', 'tempo'];
/** A simulated step takes a quarter of a second: between the two looks there is one. */
const APART_S = 0.3;

/** JSON, which is YAML too. `${namespace}` stays open. */
export function clusterSuite({ urls, ingressUrl, ingressTlsPort, caPem, crlPems }: RunningCluster): string {
  const local = suite.parse(
    parse(readFileSync(new URL('../../shared/probes/suites/local.yaml', import.meta.url), 'utf8')),
  );
  const variables: Readonly<Record<string, string>> = {
    ...urls,
    ingress: ingressUrl,
    ingress_tls_port: String(ingressTlsPort),
    ...Object.fromEntries(crlPems.map((pem, index) => [`crl_${index}`, pem])),
  };
  const filled = (text: string): string => JSON.stringify(text).slice(1, -1);
  const text = JSON.stringify({
    ...local,
    suite: 'cluster',
    confirm: { times: 1, pause_ms: 20 },
    targets: {
      ...Object.fromEntries(TARGETS.map((id) => [id, local.targets[id]])),
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the suite's own
      cluster: { kubernetes: { namespace: '${namespace}' } },
    },
    checks: local.checks
      .filter(({ target }) => TARGETS.includes(target))
      .map((check) => ({
        ...check,
        ...(check.kind === 'psi_field' ? { apart_s: APART_S } : {}),
        // One scrape: for the next anchor it would wait longer than for all else.
        ...(check.kind === 'metrics' ? { series: check.series?.map(({ name }) => ({ name })) } : {}),
        ...(check.kind === 'tls' ? { authorities: [caPem] } : {}),
      })),
  });
  return text.replaceAll(/\$\{([^}]+)\}/g, (open, name: string) => filled(variables[name] ?? open));
}
