import { createServer } from 'node:http';
import { bodyOf, closeServer, listenOnLoopback } from '#test/support/loopback.ts';

export interface PushEnvelope {
  readonly subscription: string;
  readonly deliveryAttempt?: number;
  readonly message: {
    readonly data?: string;
    readonly attributes?: Readonly<Record<string, string>>;
    readonly messageId: string;
    readonly message_id: string;
    readonly publishTime: string;
    readonly publish_time: string;
    readonly orderingKey?: string;
  };
}

export interface Push {
  /** Path of the URL that got it. */
  readonly path: string;
  readonly contentType: string | undefined;
  readonly envelope: PushEnvelope;
  /** The message's data as text. */
  readonly text: string;
}

/** A status, or null to leave the push open until `release`. `nth` counts pushes of this message to this path, from 1. */
export type Script = (push: Push, nth: number) => number | null;

export interface PushRecorder {
  readonly pushes: readonly Push[];
  url(path: string): string;
  /** How pushes are answered from now on; 204 unless told. */
  script(script: Script): void;
  /** Answers all pushes that are open. */
  release(status: number): void;
  openPushes(): number;
  /** Most pushes open at one moment. */
  mostOpen(): number;
  to(path: string): Push[];
  close(): Promise<void>;
}

/** A subscriber on loopback: records each push and answers as told. */
export async function startRecorder(): Promise<PushRecorder> {
  const pushes: Push[] = [];
  const open = new Set<(status: number) => void>();
  const seen = new Map<string, number>();
  let script: Script = () => 204;
  let mostOpen = 0;
  const server = createServer(async (request, response) => {
    const envelope = JSON.parse((await bodyOf(request)).toString()) as PushEnvelope;
    const path = request.url ?? '';
    const text = Buffer.from(envelope.message.data ?? '', 'base64').toString();
    const push: Push = { path, contentType: request.headers['content-type'], envelope, text };
    const id = `${path} ${envelope.message.messageId}`;
    const nth = (seen.get(id) ?? 0) + 1;
    seen.set(id, nth);
    pushes.push(push);
    const answer = (status: number): void => {
      open.delete(answer);
      response.statusCode = status;
      response.end(status === 204 ? undefined : 'an answer with a body, which the bus has to drain');
    };
    open.add(answer);
    response.on('close', () => open.delete(answer));
    mostOpen = Math.max(mostOpen, open.size);
    const status = script(push, nth);
    if (status !== null) answer(status);
  });
  const origin = await listenOnLoopback(server);
  return {
    pushes,
    url: (path) => origin + path,
    script(next) {
      script = next;
    },
    release(status) {
      for (const answer of [...open]) answer(status);
    },
    openPushes: () => open.size,
    mostOpen: () => mostOpen,
    to: (path) => pushes.filter((push) => push.path === path),
    close: () => closeServer(server),
  };
}
