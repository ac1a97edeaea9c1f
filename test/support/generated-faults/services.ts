/** Services that answer otherwise than they should. */
import type { Fields } from '#sim/cluster/objects/object.ts';
import type { ServiceName } from '#sim/cluster/services/index.ts';
import type { Kind, ReplyWay } from './draw.ts';

/** What its users call. */
const PATHS: Readonly<Record<ServiceName, readonly [string, ...string[]]>> = {
  'psi-field': ['/health', '/state', '/metrics'],
  scheduler: ['/health', '/metrics'],
  'aurora-router': ['/health', '/metrics'],
  analytics: ['/'],
  loki: ['/ready'],
  tempo: ['/ready'],
};
const SERVICES = Object.keys(PATHS) as [ServiceName, ...ServiceName[]];

/** A service that answers one of its paths, or none, as it should. */
export const service: Kind = (draw) => {
  const name = draw.one(SERVICES);
  const path = draw.int(0, 2) === 0 ? null : draw.one(PATHS[name]);
  const status = draw.one([400, 401, 404, 429, 500, 502, 503, 504]);
  const page = draw.one(['<!doctype html><p>Loading</p>', 'null', '[]', '{', '']);
  const machines = name === 'psi-field' || name === 'scheduler' || name === 'aurora-router';
  const ways: [ReplyWay, ...ReplyWay[]] = [
    [`answers ${status}`, (reply) => ({ ...reply, status })],
    ['cuts', () => null],
  ];
  // Those that people look at may say what they like.
  if (machines) ways.push([`says ${JSON.stringify(page)}`, () => ({ status: 200, body: page, type: 'text/html' })]);
  const [does, change] = draw.one(ways);
  return {
    target: `service ${name}`,
    does: `${does} at ${path ?? 'every path'}`,
    alterObjects: null,
    alterReplies: (of, asked, reply) => (of === name && (path === null || asked === path) ? change(reply) : reply),
  };
};

/** It answers, and what it says is bad. */
export const words: Kind = (draw, nowMs) => {
  const old = new Date(nowMs - draw.int(100, 100_000) * 1_000).toISOString();
  const bad = draw.one<unknown>([Number.NaN, null, 'much', draw.int(16, 900) / 10]);
  const broken = draw.one<unknown>([false, null, 'true', undefined]);
  const [name, path, does, change] = draw.one<readonly [ServiceName, string, string, (body: Fields) => Fields]>([
    ['psi-field', '/health', `import_success ${broken}`, (body) => ({ ...body, import_success: broken })],
    ['psi-field', '/health', `engine_initialized ${broken}`, (body) => ({ ...body, engine_initialized: broken })],
    ['psi-field', '/health', 'calls itself degraded', (body) => ({ ...body, status: 'degraded' })],
    ['psi-field', '/state', `PE ${bad}`, (body) => ({ ...body, PE: bad })],
    ['psi-field', '/state', 'k stands', (body) => ({ ...body, k: 7 })],
    ['scheduler', '/health', `last tick ${old}`, (body) => ({ ...body, lastTick: old })],
    ['scheduler', '/health', 'no namespace', (body) => ({ ...body, namespaces: {} })],
    ['scheduler', '/health', 'calls itself degraded', (body) => ({ ...body, status: 'degraded' })],
    [
      'scheduler',
      '/health',
      `an anchor of ${old}`,
      (body) => ({
        ...body,
        namespaces: { ...(body['namespaces'] as Fields), dao: { lastAnchor: old, backoff: 0, status: 'ok' } },
      }),
    ],
    [
      'scheduler',
      '/health',
      'a stale namespace',
      (body) => ({
        ...body,
        namespaces: {
          ...(body['namespaces'] as Fields),
          dao: { lastAnchor: new Date(nowMs).toISOString(), backoff: 0, status: 'stale' },
        },
      }),
    ],
    ['aurora-router', '/health', 'no providers', ({ providers, ...body }) => body],
  ]);
  return {
    target: `service ${name}`,
    does: `says at ${path}: ${does}`,
    alterObjects: null,
    alterReplies: (of, asked, reply) =>
      of === name && asked === path ? { ...reply, body: change(reply.body as Fields) } : reply,
  };
};
