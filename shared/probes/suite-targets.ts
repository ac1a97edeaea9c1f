/** Targets as a suite says them, and what differs from one installation to the next filled in. */
import { z } from 'zod';
import type { Reach, TargetKind, Targets } from './targets.ts';
import { mayBeShown } from './tools/id-token.ts';

export interface TargetOptions {
  /** For `${name}` in what is said. */
  readonly variables: Readonly<Record<string, string>>;
  /** Targets on this machine may be looked at. */
  readonly loopback: boolean;
}

export const targetSaid = z.union([
  z.strictObject({ url: z.string(), private: z.boolean().default(false), id_token: z.boolean().default(false) }),
  z.strictObject({
    host: z.string(),
    port: z.union([z.int(), z.string()]).default(443),
    private: z.boolean().default(false),
  }),
  z.strictObject({
    kubernetes: z.strictObject({ namespace: z.string() }),
  }),
  z.strictObject({ loop: z.literal(true) }),
]);

export interface BoundTarget {
  readonly kind: TargetKind;
  readonly target: Targets[TargetKind];
}

/** @throws Error in words */
export function targetOf(said: z.infer<typeof targetSaid>, { variables, loopback }: TargetOptions): BoundTarget {
  const fill = (text: string): string => filled(text, variables);
  const reach = (isPrivate: boolean): Reach => ({ private: isPrivate, loopback });
  if ('loop' in said) return { kind: 'loop', target: {} };
  if ('kubernetes' in said) {
    const namespace = fill(said.kubernetes.namespace);
    if (!/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(namespace))
      throw new Error(`expected a namespace, got ${JSON.stringify(namespace)}`);
    return { kind: 'kubernetes', target: { namespace } };
  }
  if ('url' in said) {
    const url = fill(said.url);
    const parsed = URL.canParse(url) ? new URL(url) : null;
    const hasUser = parsed !== null && `${parsed.username}${parsed.password}` !== '';
    // What stands before the host may be a password.
    if (parsed === null || hasUser || !/^https?:$/.test(parsed.protocol))
      throw new Error(
        `expected a URL of http or https without a user, got ${JSON.stringify(hasUser ? `${parsed.protocol}//${parsed.host} with a user` : url)}`,
      );
    // Paths of checks are put behind it, where they would be part of these; and a query may hold a key.
    if (/[?#]/.test(url))
      throw new Error(
        `expected a URL without a query and a fragment, got one behind ${JSON.stringify(url.split(/[?#]/, 1)[0])}`,
      );
    if (said.id_token && !mayBeShown(parsed, { loopback }))
      throw new Error(
        `expected a URL of https for id_token (http on this machine only, where that may be looked at), got ${JSON.stringify(url)}`,
      );
    const bound = { url: url.replace(/\/+$/, ''), reach: reach(said.private) };
    return { kind: 'url', target: said.id_token ? { ...bound, idToken: true } : bound };
  }
  const port = Number(typeof said.port === 'string' ? fill(said.port) : said.port);
  const host = fill(said.host);
  if (!/^[A-Za-z0-9]([A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?$/.test(host))
    throw new Error(`expected a host, got ${JSON.stringify(host)}`);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Error(`expected a port, got ${JSON.stringify(said.port)}`);
  return { kind: 'host', target: { host, port, reach: reach(said.private) } };
}

export class UnknownVariable extends Error {}

const OPEN = /\$\{([^}]*)\}/g;

/** Names of what the text of a suite leaves open. */
export const openIn = (text: string): ReadonlySet<string> =>
  new Set([...text.matchAll(OPEN)].flatMap(([, name]) => name ?? []));

/** @throws UnknownVariable */
export const filled = (text: string, variables: TargetOptions['variables']): string =>
  text.replaceAll(OPEN, (_, name: string) => {
    const value = Object.hasOwn(variables, name) ? variables[name] : undefined;
    if (value !== undefined) return value;
    throw new UnknownVariable(`\${${name}} is not known here; known: ${Object.keys(variables).join(', ') || 'none'}`);
  });
