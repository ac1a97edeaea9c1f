/** Paths to doors. Exact paths by one look-up; patterns with `:name` segments in the order given; `*` takes the rest. */
export interface Door {
  readonly method: string;
  readonly path: string;
}

export type Match<D extends Door> =
  | { readonly kind: 'found'; readonly door: D; readonly params: Readonly<Record<string, string>> }
  | { readonly kind: 'wrong_method'; readonly allow: string }
  | { readonly kind: 'not_found' };

interface Pattern<D> {
  readonly segments: readonly string[];
  readonly byMethod: Map<string, D>;
}

const NO_PARAMS: Readonly<Record<string, string>> = Object.freeze({});
const NOT_FOUND = { kind: 'not_found' } as const;

export function createRouter<D extends Door>(doors: readonly D[]): (method: string, path: string) => Match<D> {
  const exact = new Map<string, Map<string, D>>();
  const patterns: Pattern<D>[] = [];
  const rest = new Map<string, D>();
  for (const door of doors) {
    const byMethod = methodsOf(door.path);
    if (byMethod.has(door.method)) throw new Error(`two doors at ${door.method} ${door.path}`);
    byMethod.set(door.method, door);
  }
  // Built once: the hot path allocates no match.
  const found = new Map<D, Match<D>>(doors.map((door) => [door, { kind: 'found', door, params: NO_PARAMS }]));

  function methodsOf(path: string): Map<string, D> {
    if (path === '*') return rest;
    if (!path.includes('/:')) {
      const known = exact.get(path) ?? new Map<string, D>();
      exact.set(path, known);
      return known;
    }
    const segments = path.split('/');
    const same = patterns.find((pattern) => pattern.segments.join('/') === path);
    if (same !== undefined) return same.byMethod;
    const pattern = { segments, byMethod: new Map<string, D>() };
    patterns.push(pattern);
    return pattern.byMethod;
  }

  return (method, path) => {
    const plain = exact.get(path);
    if (plain !== undefined) {
      const door = plain.get(method);
      return door === undefined ? wrongMethod(plain) : (found.get(door) ?? NOT_FOUND);
    }
    for (const pattern of patterns) {
      const params = matchSegments(pattern.segments, path);
      if (params === null) continue;
      const door = pattern.byMethod.get(method);
      return door === undefined ? wrongMethod(pattern.byMethod) : { kind: 'found', door, params };
    }
    if (rest.size === 0) return NOT_FOUND;
    const door = rest.get(method);
    return door === undefined ? wrongMethod(rest) : (found.get(door) ?? NOT_FOUND);
  };
}

function wrongMethod(byMethod: ReadonlyMap<string, unknown>): { kind: 'wrong_method'; allow: string } {
  return { kind: 'wrong_method', allow: [...byMethod.keys()].join(', ') };
}

function matchSegments(segments: readonly string[], path: string): Readonly<Record<string, string>> | null {
  const given = path.split('/');
  if (given.length !== segments.length) return null;
  const params: Record<string, string> = {};
  for (const [index, segment] of segments.entries()) {
    const text = given[index] ?? '';
    if (!segment.startsWith(':')) {
      if (segment !== text) return null;
      continue;
    }
    const value = decodeSegment(text);
    if (value === null || value === '') return null;
    params[segment.slice(1)] = value;
  }
  return params;
}

function decodeSegment(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    // URIError is all it throws: a stray percent sign names no resource of ours.
    return null;
  }
}
