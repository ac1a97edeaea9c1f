/** What several checks say of what they saw. Pure. */
import type { Evidence } from '#shared/domain/probe.ts';
import { fail, unseen, type Verdict } from './check.ts';
import type { HttpSeen, NotAnswered } from './tools.ts';

interface Unanswered {
  readonly reason: NotAnswered;
  readonly detail: string;
  readonly ms: number;
}

const REMEDIES: Readonly<Record<NotAnswered, string>> = {
  refused: 'Nothing listens there: see whether the service runs, and whether it listens on this port.',
  timeout: 'It gave no whole answer in time: look at its load and its log, then at the network on the way.',
  tls: 'Its TLS is not accepted for the reason in the detail; the tls check of this host says more.',
  dns: 'The name does not resolve, for the code in the detail: look at the DNS record of the host and at its zone.',
  resolver: 'The resolver of the machine that probes does not answer: see to that; of the target nothing is known.',
  reset: 'It closed the connection without a whole answer: look for restarts and crashes in its log.',
  no_route:
    'No way leads from the machine that probes to that network: see to its network; of the target nothing is known.',
  forbidden_address: 'Correct the address of the target, or say private: true of it where it is meant to be inside.',
  too_large: 'It answers with more than is read: see whether the path is the right one, or raise max_bytes.',
  other: 'What answers does not speak HTTP or cannot be reached: see what listens there, and the network on the way.',
};

/** A fail, save where it was not the target that failed. @param more evidence beside */
export function notAnswered({ reason, detail, ms }: Unanswered, more: Evidence = {}): Verdict {
  const evidence = { ...more, reason, detail: shown(detail), ms: rounded(ms) };
  const unknown = reason === 'resolver' || reason === 'no_route' || reason === 'forbidden_address';
  return (unknown ? unseen : fail)(evidence, REMEDIES[reason]);
}

export const remedyOfStatus = (status: number): string => {
  if (status >= 500)
    return 'It answers with an error of its own, or nobody behind its balancer is ready: look at its log.';
  if (status === 401 || status === 403)
    return 'It refuses whoever asks: see which credentials it expects, and whether it should.';
  if (status === 404) return 'This path is not there: see which service answers, and which paths its version has.';
  if (status === 429) return 'It has had too many requests: see who else calls it.';
  if (status >= 300 && status < 400)
    return 'It redirects: allow redirects in the check, or probe the place that it names.';
  return 'It answers with another status than expected: see which service and version answers there.';
};

export type Answer = Extract<HttpSeen, { readonly answered: true }>;

/** Undefined: it is none. */
export function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** @param path names and positions, parted by dots: `candidates.0.provider`; undefined: not there */
export function fieldAt(root: unknown, path: string): unknown {
  let value = root;
  for (const step of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[step];
  }
  return value;
}

/** As evidence: short, printable. */
export function shown(value: unknown, limit = 120): string {
  const text =
    typeof value === 'string'
      ? value
      : value === undefined
        ? 'nothing'
        : Array.isArray(value)
          ? `a list of ${value.length}`
          : typeof value === 'object' && value !== null
            ? 'an object'
            : String(value);
  const plain = text.replaceAll(/[^\P{C}]+/gu, ' ').toWellFormed();
  return plain.length > limit ? `${plain.slice(0, limit - 1)}…` : plain;
}

export const rounded = (value: number): number => Math.round(value * 10) / 10;

/** Nearest rank: of fewer than twenty, the greatest. */
export function p95(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * 0.95) - 1] ?? 0;
}
