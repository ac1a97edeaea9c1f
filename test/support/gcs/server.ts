/**
 * Cloud Storage's JSON API over HTTP, as far as our adapter uses it, and strict there: a route, a parameter or a body that
 * it does not know is refused, so that nothing passes here which would be ignored, or refused, there.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { bodyOf, closeServer, listenOnLoopback } from '../loopback.ts';
import { type Bucket, type Conditions, createBucket, type Kept, Refusal, type Sent, sumsOf } from './bucket.ts';

/** What happens to the next request that fits: null, nothing. */
export type Fault = (request: { readonly method: string; readonly path: string; readonly query: URLSearchParams }) =>
  | null
  /** Answered so, nothing is done. */
  | { readonly status: number }
  /** Done, and the answer is lost. */
  | 'answer lost'
  /** Never answered. */
  | 'black hole';

export interface GcsFake {
  readonly endpoint: string;
  readonly bucket: Bucket;
  /** "METHOD path" of every request. */
  readonly requests: string[];
  fault: Fault;
  close(): Promise<void>;
}

export const BUCKET = 'aurora-test';

const CONDITIONS = ['ifGenerationMatch', 'ifGenerationNotMatch', 'ifMetagenerationMatch', 'ifMetagenerationNotMatch'];

export async function startGcsFake(): Promise<GcsFake> {
  const bucket = createBucket();
  const buckets = new Map([[BUCKET, bucket]]);
  const server = createServer((request, response) => {
    void serve(request, response).catch((error: unknown) => {
      const status = error instanceof Refusal ? error.status : 500;
      const message = error instanceof Error ? error.message : String(error);
      answer(response, status, status === 304 ? null : { error: { code: status, message, errors: [{ message }] } });
    });
  });
  const fake: GcsFake = {
    endpoint: await listenOnLoopback(server),
    bucket,
    requests: [],
    fault: () => null,
    close: () => closeServer(server),
  };

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const url = new URL(request.url ?? '/', 'http://fake');
    const method = request.method ?? '';
    const body = await bodyOf(request);
    fake.requests.push(`${method} ${url.pathname}`);
    const fault = fake.fault({ method, path: url.pathname, query: url.searchParams });
    if (fault === 'black hole') return;
    if (fault === 'answer lost') {
      route(buckets, { method, url, body, headers: request.headers });
      request.socket.destroy();
      return;
    }
    if (fault !== null) throw new Refusal(fault.status, `fault ${fault.status}`);
    const { status, json, media } = route(buckets, { method, url, body, headers: request.headers });
    if (media === undefined) return answer(response, status, json ?? null);
    response.writeHead(status, {
      'content-type': 'application/octet-stream',
      'x-goog-hash': `crc32c=${sumsOf(media.written).crc32c},md5=${sumsOf(media.written).md5}`,
      'x-goog-generation': `${media.generation}`,
      'x-goog-metageneration': `${media.metageneration}`,
    });
    response.end(media.bytes);
  };
  return fake;
}

interface Asked {
  readonly method: string;
  readonly url: URL;
  readonly body: Buffer;
  readonly headers: IncomingMessage['headers'];
}

interface Answered {
  readonly status: number;
  readonly json?: unknown;
  readonly media?: Kept;
}

const BUCKETS = '/storage/v1/b';

function route(buckets: Map<string, Bucket>, asked: Asked): Answered {
  const { method, url, body } = asked;
  if (method === 'POST' && url.pathname === BUCKETS) {
    only(url.searchParams, ['project']);
    const { name } = JSON.parse(body.toString()) as { name: string };
    if (buckets.has(name)) throw new Refusal(409, `there is a bucket ${name}`);
    buckets.set(name, createBucket());
    return { status: 200, json: { kind: 'storage#bucket', name } };
  }
  const [, at = ''] = /^(?:\/upload)?\/storage\/v1\/b\/([^/]+)/.exec(url.pathname) ?? [];
  const bucket = buckets.get(at);
  if (bucket === undefined) throw new Refusal(404, `no bucket ${at}`);
  if (method === 'DELETE' && url.pathname === `${BUCKETS}/${at}`) {
    if (bucket.list('', '').length > 0) throw new Refusal(409, 'The bucket you tried to delete is not empty.');
    buckets.delete(at);
    return { status: 204 };
  }
  return routeIn(at, bucket, asked);
}

function routeIn(at: string, bucket: Bucket, { method, url, body, headers }: Asked): Answered {
  const folder = `${BUCKETS}/${at}/o`;
  const query = url.searchParams;
  if (method === 'POST' && url.pathname === `/upload${folder}`) {
    only(query, ['uploadType', 'name', ...CONDITIONS]);
    if (query.get('uploadType') !== 'multipart')
      throw new Refusal(400, `uploadType ${query.get('uploadType')}: not here`);
    const { resource, content } = partsOf(body, headers['content-type'] ?? '');
    const name = query.get('name') ?? '';
    return { status: 200, json: resourceIn(at)(bucket.insert(name, content, resource, conditionsOf(query))) };
  }
  if (method === 'GET' && url.pathname === folder) {
    only(query, ['prefix', 'startOffset', 'maxResults', 'pageToken', 'fields']);
    const from = query.get('pageToken') ?? query.get('startOffset') ?? '';
    const limit = Number(query.get('maxResults') ?? 1_000);
    if (!(limit >= 1 && limit <= 1_000)) throw new Refusal(400, `maxResults ${limit}`);
    const all = bucket.list(query.get('prefix') ?? '', from);
    const next = all[limit];
    return {
      status: 200,
      json: {
        kind: 'storage#objects',
        ...(next === undefined ? {} : { nextPageToken: next.name }),
        items: all.slice(0, limit).map(resourceIn(at)),
      },
    };
  }
  if (!url.pathname.startsWith(`${folder}/`)) throw new Refusal(404, `no route ${method} ${url.pathname}`);
  const name = decodeURIComponent(url.pathname.slice(folder.length + 1));
  if (method === 'GET') {
    only(query, ['alt', 'generation', 'fields', ...CONDITIONS]);
    const generation = query.get('generation');
    const found = bucket.get(name, conditionsOf(query), generation === null ? null : BigInt(generation));
    if (query.get('alt') !== 'media') return { status: 200, json: resourceIn(at)(found) };
    if (found.bytes === null) throw new Refusal(404, `No such object: ${name}`);
    return { status: 200, media: found };
  }
  if (method === 'PATCH') {
    only(query, CONDITIONS);
    const { metadata } = JSON.parse(body.toString()) as { metadata: Record<string, string | null> };
    return { status: 200, json: resourceIn(at)(bucket.patch(name, metadata, conditionsOf(query))) };
  }
  if (method === 'DELETE') {
    only(query, CONDITIONS);
    bucket.remove(name, conditionsOf(query));
    return { status: 204 };
  }
  throw new Refusal(405, `${method} ${url.pathname}`);
}

/** The client adds `prettyPrint=false` to all it asks. */
function only(query: URLSearchParams, known: readonly string[]): void {
  const unknown = [...query.keys()].find((key) => key !== 'prettyPrint' && !known.includes(key));
  if (unknown !== undefined) throw new Refusal(400, `unknown parameter ${unknown}`);
}

function conditionsOf(query: URLSearchParams): Conditions {
  const given = CONDITIONS.filter((name) => query.has(name)).map((name) => [name, query.get(name) ?? ''] as const);
  const wrong = given.find(([, value]) => !/^\d{1,19}$/.test(value));
  if (wrong !== undefined) throw new Refusal(400, `Invalid value for ${wrong[0]}: ${wrong[1]}`);
  return Object.fromEntries(given.map(([name, value]) => [name, BigInt(value)]));
}

const resourceIn =
  (bucket: string) =>
  ({ name, generation, metageneration, metadata, written }: Kept): unknown => ({
    kind: 'storage#object',
    bucket,
    name,
    generation: `${generation}`,
    metageneration: `${metageneration}`,
    size: `${written.byteLength}`,
    crc32c: sumsOf(written).crc32c,
    md5Hash: sumsOf(written).md5,
    ...(Object.keys(metadata).length === 0 ? {} : { metadata }),
  });

/** RFC 2387: the resource as JSON, then the content. */
function partsOf(
  body: Buffer,
  contentType: string,
): {
  readonly resource: Sent;
  readonly content: Uint8Array;
} {
  const boundary = /multipart\/related;\s*boundary="?([^";]+)"?/.exec(contentType)?.[1];
  if (boundary === undefined) throw new Refusal(400, `content type ${contentType}`);
  const mark = Buffer.from(`--${boundary}`);
  const first = body.indexOf(mark);
  const second = body.indexOf(mark, first + mark.length);
  const last = body.lastIndexOf(mark);
  if (first < 0 || second <= first || last <= second) throw new Refusal(400, 'expected two parts');
  const contentOf = (from: number, to: number): Buffer => {
    const part = body.subarray(from + mark.length, to);
    return part.subarray(part.indexOf('\r\n\r\n') + 4, part.length - 2);
  };
  return {
    resource: JSON.parse(contentOf(first, second).toString()),
    content: new Uint8Array(contentOf(second, last)),
  };
}

function answer(response: ServerResponse, status: number, json: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' });
  response.end(json === null ? undefined : JSON.stringify(json));
}
