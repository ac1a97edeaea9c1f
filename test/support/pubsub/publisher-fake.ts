/**
 * Pub/Sub's Publisher over gRPC, as far as our adapter uses it: `Publish`, without TLS, as an emulator takes it. Only what a test makes
 * go wrong; what goes right is shown on Google's emulator (test/contract/bus-pubsub.test.ts).
 * Wire: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
 */
import { createServer, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { protos } from '@google-cloud/pubsub';

const { PublishRequest, PublishResponse } = protos.google.pubsub.v1;

/** Of gRPC. */
export const STATUS = {
  notFound: 5,
  permissionDenied: 7,
  resourceExhausted: 8,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/** What becomes of a request: null, it succeeds. */
type Fault = (texts: readonly string[], topic: string) => null | number | 'black hole' | 'cut' | 'answer lost';

export interface PublisherFake {
  /** `host:port`. */
  readonly endpoint: string;
  /** The data of every message that was taken, in order; of those of a request that failed none. */
  readonly taken: {
    readonly topic: string;
    readonly text: string;
    readonly attributes: Record<string, string>;
  }[];
  /** Full names of the topics of all requests, in order. */
  readonly topics: string[];
  /** Requests so far. */
  requests: number;
  fault: Fault;
  close(): Promise<void>;
}

export async function startPublisherFake(): Promise<PublisherFake> {
  const server = createServer();
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    // Of a connection that is cut.
    session.on('error', () => undefined);
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => undefined);
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => void chunks.push(chunk));
    stream.on('end', () => publish(stream, String(headers[':path']), Buffer.concat(chunks)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const fake: PublisherFake = {
    endpoint: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    taken: [],
    topics: [],
    requests: 0,
    fault: () => null,
    async close() {
      for (const session of sessions) session.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  function publish(stream: ServerHttp2Stream, path: string, body: Buffer): void {
    // Cut off beside another, or given up.
    if (stream.destroyed) return;
    fake.requests += 1;
    const { topic, messages } = PublishRequest.decode(body.subarray(PREFIX_BYTES));
    fake.topics.push(topic);
    const topicName = topic.split('/').at(-1) ?? '';
    const read = messages.map(({ data, attributes }) => ({
      topic: topicName,
      text: Buffer.from((data ?? '') as Uint8Array).toString(),
      attributes: { ...attributes },
    }));
    const fault =
      path === METHOD
        ? fake.fault(
            read.map(({ text }) => text),
            topicName,
          )
        : STATUS.unimplemented;
    const from = fake.taken.length;
    if (fault === null || fault === 'answer lost') fake.taken.push(...read);
    if (fault === 'cut' || fault === 'answer lost') stream.session?.destroy();
    if (typeof fault === 'number') fail(stream, fault, `fault ${fault}`);
    if (fault !== null) return;
    const answer = PublishResponse.encode({ messageIds: read.map((_, i) => `m${from + i}`) }).finish();
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(Buffer.concat([prefixOf(answer.length), answer]));
  }
  return fake;
}

const METHOD = '/google.pubsub.v1.Publisher/Publish';
/** A byte that says whether what follows is compressed, then its length. */
const PREFIX_BYTES = 5;

function prefixOf(length: number): Buffer {
  const prefix = Buffer.alloc(PREFIX_BYTES);
  prefix.writeUInt32BE(length, 1);
  return prefix;
}

function fail(stream: ServerHttp2Stream, status: number, message: string): void {
  const headers = { ':status': 200, 'content-type': 'application/grpc', 'grpc-status': String(status) };
  stream.respond({ ...headers, 'grpc-message': message }, { endStream: true });
}
