/**
 * The cluster's API server: what the real kubectl and our probes read, and nothing that writes. In: HTTP on loopback with a bearer token.
 * Out: discovery, objects, lists in pages or as tables, watches, refusals of kind Status.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HostClock } from '#shared/ports/clock.ts';
import { pathOf, respond } from '../loopback.ts';
import { discover } from './api/discovery.ts';
import { createPages, type Page } from './api/pages.ts';
import { type Place, placeOf } from './api/resources.ts';
import { fieldSelector, labelSelector, type Selector } from './api/selectors.ts';
import {
  type ApiReply,
  badRequest,
  forbidden,
  gone,
  internalError,
  METHOD_NOT_ALLOWED,
  NO_SUCH_PATH,
  notFound,
  TOO_MANY,
  tooNew,
  UNAUTHORIZED,
} from './api/status.ts';
import { type IncludeObject, tableOf, wantsTable } from './api/table.ts';
import { watch } from './api/watch.ts';
import type { FaultSwitches } from './faults/switches.ts';
import type { ClusterObject, Fields } from './objects/object.ts';
import type { ClusterState } from './state.ts';
import { type Identity, listenTwice } from './tls/pair.ts';

export interface ApiOptions {
  readonly state: ClusterState;
  readonly faults: FaultSwitches;
  readonly hostClock: HostClock;
  /** Whoever has it may read. */
  readonly token: string;
  readonly port: number;
  readonly tlsPort: number;
  /** What it is in TLS. */
  readonly identity: Identity;
  /** Host milliseconds that `api_slow` waits. */
  readonly slowMs: number;
}

export interface RunningApi {
  readonly url: string;
  /** kubectl sends its token over TLS only. */
  readonly tlsUrl: string;
  close(): Promise<void>;
}

/** Open at once. */
const MAX_WATCHES = 64;
const WATCH_S = 300;
/** For the faults that are about pages. */
const SMALL_PAGE = 2;

/** @throws RejectedError port_unavailable; then nothing listens */
export async function startApi(options: ApiOptions): Promise<RunningApi> {
  const { faults, hostClock, slowMs } = options;
  const answer = createAnswers(options);
  const serve = (incoming: IncomingMessage, response: ServerResponse): void => {
    if (faults.has('api_down')) {
      incoming.socket.destroy();
      return;
    }
    incoming.resume();
    const go = (): void => {
      try {
        const reply = answer(incoming, response);
        if (reply !== null) respond(response, reply.status, reply.body);
      } catch (error) {
        const { status, body } = internalError(error);
        respond(response, status, body);
      }
    };
    if (!faults.has('api_slow')) go();
    else response.once('close', hostClock.after(slowMs, go));
  };
  const pair = await listenTwice(serve, options.identity, options.port, options.tlsPort);
  return {
    url: pair.url,
    tlsUrl: `https://127.0.0.1:${pair.tlsPort}`,
    close: pair.close,
  };
}

function createAnswers({ state, faults, hostClock, token }: ApiOptions) {
  const pages = createPages();
  let watches = 0;

  /** Null: a watch, which answers by itself. */
  return (incoming: IncomingMessage, response: ServerResponse): ApiReply | null => {
    const { path, search } = pathOf(incoming);
    const query = new URLSearchParams(search);
    const { method = 'GET', headers } = incoming;
    const bearer = headers.authorization;
    if (bearer !== undefined && (bearer !== `Bearer ${token}` || faults.has('api_unauthorized'))) return UNAUTHORIZED;
    // As on GKE: whoever has no token may ask whether the server lives, and nothing else.
    if (/^\/(readyz|livez|healthz)$/.test(path)) return { status: 200, body: 'ok' };
    if (bearer === undefined) return UNAUTHORIZED;
    const discovered = discover(path);
    if (discovered !== null) return { status: 200, body: discovered };
    const place = placeOf(path);
    if (place === null) return NO_SUCH_PATH;
    const watching = /^(1|true)$/.test(query.get('watch') ?? '') && place.name === null;
    if (method !== 'GET') return METHOD_NOT_ALLOWED;
    if (faults.has('api_forbidden')) return forbidden(place, watching ? 'watch' : place.name === null ? 'list' : 'get');
    const asked = askedOf(place, query, headers.accept ?? '');
    if ('refused' in asked) return asked.refused;
    const [version, now] = [asked.version ?? 0, state.store().version()];
    if (version > now) return tooNew(version, now);
    if (!watching) return place.name === null ? list(asked) : get(asked);
    if (watches >= MAX_WATCHES) return TOO_MANY;
    startWatch(asked, response);
    return null;
  };

  function get({ place, show }: Asked): ApiReply {
    const object = state
      .store()
      .all(place.resource.kind)
      .find(({ metadata }) => metadata.name === place.name && (metadata.namespace ?? null) === place.namespace);
    return object === undefined
      ? notFound(place)
      : { status: 200, body: show([object], {}, hostClock.now()) ?? object };
  }

  function list({ place, query, selects, limit, show }: Asked): ApiReply {
    const store = state.store();
    const found = (): readonly ClusterObject[] => store.all(place.resource.kind).filter(selects);
    const small = faults.has('api_continue_expired') || faults.has('small_pages');
    const perPage = small ? Math.min(SMALL_PAGE, limit === 0 ? SMALL_PAGE : limit) : limit;
    const key = [place.resource.plural, place.namespace, query.get('labelSelector'), query.get('fieldSelector')].join(
      '|',
    );
    const token = query.get('continue') ?? '';
    if (token === '') return listed(place, pages.first(key, found(), store.version(), perPage), show);
    if (faults.has('api_continue_expired')) return gone(TOO_OLD);
    const paged = pages.next(key, token, perPage, found, store.version());
    if ('malformed' in paged) return badRequest('continue key is not valid: expected the token of a list');
    return 'expired' in paged ? gone(TOO_OLD, paged.expired) : listed(place, paged.page, show);
  }

  function listed({ resource }: Place, { items, version, next, remaining }: Page, show: Asked['show']): ApiReply {
    const metadata = {
      resourceVersion: String(version),
      ...(next === null ? {} : { continue: next, remainingItemCount: remaining }),
    };
    const plain = {
      kind: `${resource.kind}List`,
      apiVersion: versionOf(resource),
      metadata,
      items: items.map(itemOf(resource)),
    };
    return { status: 200, body: show(items, metadata, hostClock.now()) ?? plain };
  }

  function startWatch({ place, query, selects, version, show }: Asked, response: ServerResponse): void {
    watches += 1;
    response.once('close', () => {
      watches -= 1;
    });
    const seconds = Number(query.get('timeoutSeconds') ?? WATCH_S);
    watch(response, state.store(), hostClock, {
      kind: place.resource.kind,
      selects,
      // 0 and none: from any moment, with all that is there.
      from: version === 0 ? null : version,
      forMs: 1000 * Math.min(WATCH_S, Number.isFinite(seconds) && seconds > 0 ? seconds : WATCH_S),
      show: (object) => show([object], { resourceVersion: object.metadata.resourceVersion }, hostClock.now()) ?? object,
    });
  }
}

const TOO_OLD =
  'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results.';

interface Asked {
  readonly place: Place;
  readonly query: URLSearchParams;
  readonly selects: Selector;
  /** 0: all. */
  readonly limit: number;
  readonly version: number | null;
  /** As a table; null: as they are. */
  show(items: readonly ClusterObject[], metadata: Fields, nowMs: number): Fields | null;
}

function askedOf(place: Place, query: URLSearchParams, accept: string): Asked | { readonly refused: ApiReply } {
  const [limit, version] = [query.get('limit') ?? '', query.get('resourceVersion') ?? ''];
  if (!/^\d{0,9}$/.test(limit)) return { refused: badRequest(`limit: invalid value "${limit}"`) };
  if (!/^\d{0,15}$/.test(version)) return { refused: badRequest(`resourceVersion: invalid value "${version}"`) };
  const include = query.get('includeObject') ?? 'Metadata';
  if (!isInclude(include)) return { refused: badRequest(`includeObject: unrecognized value "${include}"`) };
  try {
    const selectors = [
      labelSelector(query.get('labelSelector') ?? ''),
      fieldSelector(query.get('fieldSelector') ?? ''),
    ];
    const { kind } = place.resource;
    const { namespace } = place;
    return {
      place,
      query,
      selects: (object) =>
        (namespace === null || object.metadata.namespace === namespace) &&
        selectors.every((selects) => selects(object)),
      limit: Number(limit),
      version: version === '' ? null : Number(version),
      show: (items, metadata, nowMs) =>
        wantsTable(accept) ? tableOf(kind, items, { nowMs, include, metadata }) : null,
    };
  } catch (error) {
    if (error instanceof RangeError) return { refused: badRequest(error.message) };
    throw error;
  }
}

/** In lists, Kubernetes' own kinds do not say what they are; those that were added to it do. */
const itemOf =
  ({ group }: Place['resource']) =>
  (object: ClusterObject): Fields => {
    const { apiVersion, kind, ...item } = object;
    return ADDED_GROUPS.has(group) ? { apiVersion, kind, ...item } : item;
  };
const ADDED_GROUPS = new Set(['keda.sh', 'networking.gke.io']);

const isInclude = (text: string): text is IncludeObject => text === 'None' || text === 'Metadata' || text === 'Object';
const versionOf = ({ group, version }: Place['resource']): string => (group === '' ? version : `${group}/${version}`);
