/**
 * The door at which tenants ask, from the command line: that of the running stack of the directory, or the one that AURORA_URL or
 * --url names. The tenant's key comes from AURORA_API_KEY alone: an argument would stand in the list of processes.
 */
import { hostClock } from '#shared/adapters/clock/host.ts';
import { readConfig } from '#shared/config.ts';
import { STREAM_LIMIT_BYTES, STREAM_LIMIT_MS } from '#shared/defaults.ts';
import { AuroraError, RejectedError, TransientError } from '#shared/errors.ts';
import { createHttpClient, type HttpClient } from '#shared/runtime/http-client.ts';
import { remoteError } from '../remote-error.ts';
import { readHolder } from '../stack/lock.ts';

const CALL_DEADLINE_MS = 15_000;

export interface Door {
  /** The answer's JSON, its status among `accepted`. @throws the coded error of any other; stack_unreachable */
  call<T>(request: DoorRequest): Promise<T>;
  /** The text of an answer as it comes. @throws as call */
  stream(path: string): AsyncIterable<string>;
}

export interface DoorRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  /** Statuses that are an answer and no failure; default 200. */
  readonly accepted?: readonly number[];
  /** Of those, whether this one is; default: each is. */
  readonly only?: (value: unknown) => boolean;
}

/** @throws RejectedError no_state when nothing runs here and no URL is given */
export async function withDoor<T>(
  given: { readonly directory: string; readonly url: string | null },
  use: (door: Door) => Promise<T>,
): Promise<T> {
  const config = readConfig();
  const url = given.url ?? config.url ?? (await frontDoorOf(given.directory));
  const client = createHttpClient({ hostClock });
  const headers = config.apiKey === null ? {} : { 'x-api-key': config.apiKey };
  try {
    return await use({
      call: (request) => call(client, url, headers, request),
      stream: (path) => stream(client, `${url}${path}`, headers),
    });
  } finally {
    await client.close();
  }
}

async function frontDoorOf(directory: string): Promise<string> {
  const holder = await readHolder(directory);
  if (holder?.front_door != null) return holder.front_door;
  throw new RejectedError('no_state', `no stack runs on ${directory}: start one with vm up, or give --url`);
}

async function call<T>(
  client: HttpClient,
  url: string,
  headers: Readonly<Record<string, string>>,
  { method, path, body, accepted = [200], only = () => true }: DoorRequest,
): Promise<T> {
  const asked = client.exchange({
    method,
    url: `${url}${path}`,
    headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    deadlineMs: CALL_DEADLINE_MS,
  });
  const answer = await reached(asked, `${url} does not answer`);
  const value = jsonOf(new TextDecoder().decode(answer.bytes), answer.status, url);
  if (accepted.includes(answer.status) && only(value)) return value as T;
  throw remoteError(value, answer.status, url);
}

function jsonOf(text: string, status: number, url: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch (cause) {
    throw new TransientError('stack_unreachable', `${url} answered HTTP ${status}, which is not JSON`, { cause });
  }
}

/** How long the beginning may take, or a refusal; a log that is written slowly goes on for as long as the door allows. */
const STREAM_BEGINS_MS = 15_000;

async function* stream(
  client: HttpClient,
  url: string,
  headers: Readonly<Record<string, string>>,
): AsyncIterable<string> {
  const beginning = new AbortController();
  const cancel = hostClock.after(STREAM_BEGINS_MS, () =>
    beginning.abort(new TransientError('deadline_exceeded', `nothing within ${STREAM_BEGINS_MS} ms`)),
  );
  try {
    const asked = client.open({
      method: 'GET',
      url,
      headers,
      deadlineMs: STREAM_BEGINS_MS + STREAM_LIMIT_MS,
      maxBytes: STREAM_LIMIT_BYTES,
      signal: beginning.signal,
    });
    const { status, body } = await reached(asked, `${url} does not answer`);
    if (status !== 200) {
      let said = '';
      for await (const text of textOf(body, url)) said += text;
      throw remoteError(jsonOf(said, status, url), status, url);
    }
    cancel();
    yield* textOf(body, url);
  } finally {
    cancel();
  }
}

async function* textOf(body: AsyncIterable<Uint8Array>, url: string): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  const chunks = body[Symbol.asyncIterator]();
  try {
    for (;;) {
      const { done, value } = await reached(chunks.next(), `${url} broke off`);
      if (done === true) break;
      yield decoder.decode(value, { stream: true });
    }
    yield decoder.decode();
  } finally {
    await chunks.return?.();
  }
}

/** @throws TransientError stack_unreachable, in the words of what went wrong on the way */
async function reached<T>(work: Promise<T>, what: string): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (!(cause instanceof AuroraError)) throw cause;
    throw new TransientError('stack_unreachable', `${what}: ${cause.message}`, { cause });
  }
}
