/**
 * What terraform itself makes of the expressions, without a provider: every resource becomes a `terraform_data`, which is built in,
 * with the same arguments as its input and the attributes that others ask of it. So a plan types, validates and evaluates all
 * that is ours, variables, modules, loops, references and cycles, and only the arguments' names are left to the provider.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Block, type File, type Named, type Parsed, TERRAFORM } from './parsed.ts';

export const hasTerraform = (): boolean => spawnSync('terraform', ['version']).status === 0;

export interface Planned {
  /** `module.a["b"].google_x.name["key"]` -> its arguments. */
  readonly resources: ReadonlyMap<string, Block>;
  readonly outputs: Block;
}

export interface Workplace {
  /**
   * @param targets parts that are planned alone
   * @throws Error with what terraform said
   */
  plan(variables: Block, options?: { readonly targets?: readonly string[] }): Planned;
  remove(): void;
}

export function workplaceOf(parsed: Parsed, environment: string): Workplace {
  const folder = mkdtempSync(join(tmpdir(), 'aurora-terraform-'));
  for (const part of ['schemas', 'kubernetes', 'topology.json'])
    cpSync(join(TERRAFORM, part), join(folder, part), { recursive: true });
  for (const [path, file] of parsed) {
    mkdirSync(join(folder, dirname(path)), { recursive: true });
    writeFileSync(join(folder, `${path}.json`), JSON.stringify(withoutProvider(file)));
  }
  const root = join(folder, 'environments', environment);
  terraform(root, ['init', '-input=false']);
  return {
    plan(variables, { targets = [] } = {}) {
      writeFileSync(join(root, 'terraform.tfvars.json'), JSON.stringify(variables));
      const parts = targets.map((target) => `-target=${target}`);
      terraform(root, ['plan', '-input=false', '-lock=false', '-out=plan', ...parts]);
      return read(JSON.parse(terraform(root, ['show', '-json', 'plan'])) as Shown);
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

function terraform(root: string, words: readonly string[]): string {
  const ran = spawnSync('terraform', [`-chdir=${root}`, ...words, ...(words[0] === 'show' ? [] : ['-no-color'])], {
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, CHECKPOINT_DISABLE: '1', TF_CLI_CONFIG_FILE: '/dev/null' },
  });
  if (ran.status !== 0) throw new Error(`terraform ${words[0]}: ${ran.stderr}${ran.error ?? ''}`);
  return ran.stdout;
}

interface ShownModule {
  readonly resources?: readonly { readonly address: string; readonly values: { readonly input: Block } }[];
  readonly child_modules?: readonly ShownModule[];
}
interface Shown {
  readonly planned_values: {
    readonly root_module: ShownModule;
    readonly outputs?: Readonly<Record<string, { readonly value: unknown }>>;
  };
}

function read({ planned_values: { root_module, outputs = {} } }: Shown): Planned {
  const walk = ({ resources = [], child_modules = [] }: ShownModule): (readonly [string, Block])[] => [
    ...resources.map(({ address, values }) => [original(address), values.input] as const),
    ...child_modules.flatMap(walk),
  ];
  return {
    resources: new Map(walk(root_module)),
    outputs: Object.fromEntries(Object.entries(outputs).map(([name, { value }]) => [name, value])),
  };
}

const original = (address: string): string => address.replace(/terraform_data\.(\w+?)__(\w+)/, '$1.$2');

/** The attributes that a provider would add, as far as anything here asks for them. */
const COMPUTED: Readonly<Record<string, (block: Block) => Block>> = {
  google_project: () => ({ number: '123456789012' }),
  google_project_iam_custom_role: ({ project, role_id }) => ({ name: `projects/${project}/roles/${role_id}` }),
  google_service_account: ({ account_id, project }) => ({
    email: `${account_id}@${project}.iam.gserviceaccount.com`,
    name: `projects/${project}/serviceAccounts/${account_id}@${project}.iam.gserviceaccount.com`,
  }),
  google_pubsub_topic: ({ project, name }) => ({ id: `projects/${project}/topics/${name}` }),
  google_pubsub_subscription: ({ project, name }) => ({ id: `projects/${project}/subscriptions/${name}` }),
  google_cloud_run_v2_service: ({ name }) => ({ uri: `https://${name}-hash-ew.a.run.app` }),
};

function withoutProvider({ resource = {}, data = {}, module = {}, variable = {}, output = {}, locals = [] }: File) {
  const stubs = [
    ...Object.entries(resource).flatMap(([type, byName]) => stubsOf(type, byName)),
    ...Object.entries(data).flatMap(([type, byName]) => stubsOf(type, byName)),
  ];
  const parts = {
    resource: stubs.length === 0 ? {} : { terraform_data: Object.fromEntries(stubs) },
    variable: mapNamed(variable, (block) => ({ ...block, type: bare(block['type']) })),
    module: mapNamed(module, withBareDependencies),
    output: mapNamed(output, withBareDependencies),
    locals,
  };
  // An empty one lacks its label, says terraform.
  return replaced(Object.fromEntries(Object.entries(parts).filter(([, part]) => Object.keys(part).length > 0)));
}

const stubsOf = (type: string, byName: Named): (readonly [string, Block])[] =>
  Object.entries(byName).map(([name, [block = {}]]) => {
    const { for_each, count, depends_on, lifecycle: _, ...rest } = block;
    const meta = Object.fromEntries(
      Object.entries({ for_each, count, depends_on }).filter(([, value]) => value !== undefined),
    );
    const input = { ...(expanded(rest) as Block), ...COMPUTED[type]?.(block) };
    return [`${type}__${name}`, withBareDependencies({ ...meta, input })] as const;
  });

const mapNamed = (byName: Named, change: (block: Block) => Block): Named =>
  Object.fromEntries(Object.entries(byName).map(([name, blocks]) => [name, blocks.map(change)]));

const bare = (value: unknown): unknown => (typeof value === 'string' ? value.replace(/^\$\{(.*)\}$/s, '$1') : value);
const withBareDependencies = (block: Block): Block =>
  Array.isArray(block['depends_on']) ? { ...block, depends_on: block['depends_on'].map(bare) } : block;

/** All `dynamic "x" { for_each, content }` as the list that they make. */
function expanded(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(expanded);
  if (typeof value !== 'object' || value === null) return value;
  const { dynamic, ...rest } = value as { dynamic?: Readonly<Record<string, readonly Block[]>> } & Block;
  const made = Object.entries(dynamic ?? {}).map(([label, blocks]) => {
    const lists = blocks.map(({ for_each, content }) => {
      const items = `[for key, value in ${hcl(for_each)} : { key = key, value = value }]`;
      const [body] = content as readonly unknown[];
      return `[for ${label} in ${items} : ${hcl(expanded(body))}]`;
    });
    return [label, `\${concat(${lists.join(', ')})}`] as const;
  });
  const others = Object.entries(rest).map(([key, part]) => [key, expanded(part)] as const);
  return Object.fromEntries([...others, ...made]);
}

/** A value of the JSON as an expression of HCL. */
function hcl(value: unknown): string {
  if (typeof value === 'string') {
    const expression = /^\$\{(.*)\}$/s.exec(value)?.[1];
    return expression === undefined ? JSON.stringify(value) : `(${expression})`;
  }
  if (Array.isArray(value)) return `[${value.map(hcl).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  return `{ ${Object.entries(value)
    .map(([key, part]) => `${JSON.stringify(key)} = ${hcl(part)}`)
    .join(', ')} }`;
}

/** References to resources and data, as references to what stands in their place. */
function replaced(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(replaced);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, replaced(part)]));
  if (typeof value !== 'string') return value;
  return value
    .replace(/\b(?:data\.)?(google_\w+)\.(\w+)((?:\[[^\]]*\])?)\.(\w+)/g, 'terraform_data.$1__$2$3.input.$4')
    .replace(/(?<!terraform_data\.)\b(google_\w+?)\.(\w+)\b(?!__)/g, 'terraform_data.$1__$2');
}
