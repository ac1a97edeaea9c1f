/** dev and prod: a project each, and nothing in common but the modules. */
import { type Check, unlike } from '../check.ts';
import { filesIn, moduleCall, namedIn, type Parsed, ref, textsIn } from '../parsed.ts';

const ENVIRONMENTS = ['dev', 'prod'] as const;

function stateOf(parsed: Parsed, name: string): readonly string[] {
  const folder = `environments/${name}`;
  const [settings] = filesIn(parsed, folder).flatMap(({ terraform }) => terraform ?? []);
  const [provider] = filesIn(parsed, folder).flatMap((file) => file.provider?.['google'] ?? []);
  return [
    ...unlike(folder, settings ?? {}, { backend: { gcs: [{ prefix: `aurora/${name}` }] } }),
    ...unlike(`${folder}: provider`, provider ?? {}, { project: ref('var.project'), region: ref('var.region') }),
    ...unlike(folder, moduleCall(parsed, folder, 'aurora'), {
      source: '../../aurora',
      project: ref('var.project'),
      environment: name,
      bucket: `${ref('var.project')}-aurora-${name}`,
    }),
  ];
}

export const ISOLATION: readonly Check[] = [
  {
    says: 'each environment has state, provider, project and bucket of its own',
    breaches: (parsed) => ENVIRONMENTS.flatMap((name) => stateOf(parsed, name)),
  },
  {
    says: 'neither names the other',
    breaches: (parsed) =>
      ENVIRONMENTS.flatMap((name) => {
        const other = name === 'dev' ? 'prod' : 'dev';
        const texts = filesIn(parsed, `environments/${name}`).flatMap(textsIn);
        return texts.filter((text) => new RegExp(`\\b${other}\\b`).test(text)).map((text) => `${name}: ${text}`);
      }),
  },
  {
    says: 'each shows all that aurora says, and what its cluster applies',
    breaches: (parsed) =>
      ENVIRONMENTS.flatMap((name) => {
        const outputs = namedIn(parsed, `environments/${name}`, 'output');
        return [
          ...unlike(`${name}: output aurora`, outputs.get('aurora') ?? {}, { value: ref('module.aurora') }),
          ...unlike(`${name}: output kustomization`, outputs.get('kustomization') ?? {}, {
            value: ref('module.aurora.kustomization'),
          }),
          ...unlike(`${name}: output probe_rbac`, outputs.get('probe_rbac') ?? {}, {
            value: ref('module.aurora.probe_rbac'),
          }),
        ];
      }),
  },
  {
    says: 'the versions of terraform and of the provider are bounded',
    breaches: (parsed) => {
      const settings = filesIn(parsed, 'aurora').flatMap(({ terraform }) => terraform ?? []);
      return unlike('versions', Object.assign({}, ...settings), {
        required_version: '>= 1.9',
        required_providers: [{ google: { source: 'hashicorp/google', version: '~> 7.0' } }],
      });
    },
  },
];
