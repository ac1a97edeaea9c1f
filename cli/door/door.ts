/**
 * The door at which tenants ask, from the command line: that of the running stack of the directory, or the one that AURORA_URL or
 * --url names. The tenant's key comes from AURORA_API_KEY alone: an argument would stand in the list of processes.
 */
import { hostClock } from '#shared/adapters/clock/host.ts';
import { readConfig } from '#shared/config.ts';
import { AuroraError, RejectedError, TransientError } from '#shared/errors.ts';
import { createHttpClient, type HttpClient } from '#shared/runtime/http-client.ts';
import type { HttpAnswer } from '#shared/runtime/http-exchange.ts';
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
      stream: (path) => stream(`${url}${path}`, headers),
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
  let answer: HttpAnswer;
  try {
    answer = await client.exchange({
      method,
      url: `${url}${path}`,
      headers: body === undefined ? headers : { ...headers, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      deadlineMs: CALL_DEADLINE_MS,
    });
  } catch (cause) {
    if (!(cause instanceof AuroraError)) throw cause;
    throw new TransientError('stack_unreachable', `${url} does not answer: ${cause.message}`, { cause });
  }
  const value = jsonOf(answer, url);
  if (accepted.includes(answer.status) && only(value)) return value as T;
  throw remoteError(value, answer.status, url);
}

function jsonOf({ bytes, status }: Pick<HttpAnswer, 'bytes' | 'status'>, url: string): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes)) as unknown;
  } catch (cause) {
    throw new TransientError('stack_unreachable', `${url} answered HTTP ${status}, which is not JSON`, { cause });
  }
}

/** How long the first byte may take; a log that is written slowly goes on for as long as the door allows. */
const STREAM_BEGINS_MS = 15_000;

async function* stream(url: string, headers: Readonly<Record<string, string>>): AsyncIterable<string> {
  const beginning = new AbortController();
  const cancel = hostClock.after(STREAM_BEGINS_MS, () => beginning.abort(new Error('no answer in time')));
  let response: Response;
  try {
    response = await fetch(url, { headers, signal: beginning.signal });
  } catch (cause) {
    throw new TransientError('stack_unreachable', `${url} does not answer: ${(cause as Error).message}`, { cause });
  } finally {
    cancel();
  }
  if (response.status !== 200) {
    const bytes = new Uint8Array(await response.arrayBuffer());
    throw remoteError(jsonOf({ bytes, status: response.status }, url), response.status, url);
  }
  const decoder = new TextDecoder();
  for await (const bytes of response.body ?? []) yield decoder.decode(bytes, { stream: true });
}
