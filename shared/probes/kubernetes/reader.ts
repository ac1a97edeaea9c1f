/**
 * Reads a cluster's API: GET alone, by the caller's deadline, within bounds. A list is read once a run, whoever asks: checks that look at the
 * same pods share one answer, and it is dropped when nobody waits for it any more. What failed is not kept, and a look that is to confirm
 * another (`freshAfterMs`) reads anew. One reader serves one run.
 *   none -> reading -> kept     reading -> none: it failed, or the last who waited gave up     kept -> reading: asked for a fresh one
 */
import { z } from 'zod';
import { RejectedError, TransientError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import type { HttpClient } from '#shared/runtime/http-client.ts';
import { abortError, type HttpAnswer } from '#shared/runtime/http-exchange.ts';
import type { CheckContext } from '../check.ts';
import type { KubernetesObject, KubernetesReader } from '../tools.ts';
import type { ClusterAccess } from './access.ts';

export interface KubernetesReaderOptions {
  readonly access: ClusterAccess;
  readonly http: Pick<HttpClient, 'exchange'>;
  readonly hostClock: HostClock;
}

/** Objects a page, as kubectl asks for them. */
const PAGE = 500;
/** 10,000 objects: more than a namespace of ours will ever hold. */
const MAX_PAGES = 20;
/** A pod is 10 KB or so, so a page is 5 MB. */
const MAX_PAGE_BYTES = 16 * 1024 * 1024;
/** Of one list: what a function of 512 MiB can read and parse. */
const MAX_LIST_BYTES = 64 * 1024 * 1024;
/** Of what is no list: a version, a line for each component. */
const MAX_ANSWER_BYTES = 1024 * 1024;
/** Host milliseconds of one exchange, when whoever asks has longer: the API server itself ends requests after a minute. */
const EXCHANGE_MS = 60_000;

const listAnswer = z.object({
  metadata: z.object({ continue: z.string().nullish() }).nullish(),
  // Go writes an empty list as null in some places.
  items: z.array(z.record(z.string(), z.unknown())).nullable(),
});

interface SharedList {
  readonly beganMs: number;
  readonly objects: Promise<readonly KubernetesObject[]>;
  readonly giveUp: AbortController;
  waiting: number;
  done: boolean;
}

export function createKubernetesReader({ access, http, hostClock }: KubernetesReaderOptions): KubernetesReader {
  const { host } = new URL(access.server);
  const lists = new Map<string, SharedList>();
  let credential: Promise<string | null> | null = null;

  const unreachable = (why: string, cause?: unknown): TransientError =>
    new TransientError('cluster_unreachable', `${host}: ${why}`, cause === undefined ? {} : { cause });

  /** Asked for once a run; again when that failed or the cluster did not take it. */
  function token(): Promise<string | null> {
    const asked = credential ?? (access.token === null ? Promise.resolve(null) : access.token());
    credential = asked;
    asked.catch(() => {
      if (credential === asked) credential = null;
    });
    return asked;
  }

  /** Any status but 401 and 403. */
  async function exchange(path: string, maxBytes: number, signal: AbortSignal): Promise<Answer> {
    const bearer = await token();
    signal.throwIfAborted();
    // Without the query: where a list goes on is nobody's business.
    const what = `GET ${path.split('?', 1)[0]}`;
    const headers = { accept: 'application/json', ...(bearer === null ? {} : { authorization: `Bearer ${bearer}` }) };
    let answer: HttpAnswer;
    try {
      const url = `${access.server}${path}`;
      answer = await http.exchange({ url, method: 'GET', headers, deadlineMs: EXCHANGE_MS, signal, maxBytes });
    } catch (error) {
      if (signal.aborted || !(error instanceof TransientError)) throw error;
      throw unreachable(`${what}: ${error.message.replace(`${host}: `, '')}`, error.cause);
    }
    if (answer.status === 401) {
      credential = null;
      const sent = bearer === null ? 'no token was sent' : 'the token that was sent is not taken';
      throw new RejectedError('cluster_unauthorized', `${host}: ${what}: ${sent}`);
    }
    const words = answer.status >= 400 ? saidBy(answer, bearer) : null;
    if (answer.status === 403) throw new RejectedError('cluster_forbidden', `${host}: ${what}: ${words ?? 'HTTP 403'}`);
    return { ...answer, words };
  }

  /** One page. 410: the list that it goes on with is too old. */
  async function page(path: string, next: string | null, signal: AbortSignal): Promise<Page | 'gone'> {
    const query = new URLSearchParams({ limit: String(PAGE), ...(next === null ? {} : { continue: next }) });
    const answer = await exchange(`${path}${path.includes('?') ? '&' : '?'}${query}`, MAX_PAGE_BYTES, signal);
    if (answer.status === 410) return 'gone';
    if (answer.status === 404) throw new RejectedError('not_found', `${host}: the cluster knows no ${path}`);
    if (answer.status !== 200)
      throw unreachable(`GET ${path}: HTTP ${answer.status}${answer.words === null ? '' : `: ${answer.words}`}`);
    const list = listAnswer.safeParse(bodyOf(answer));
    if (!list.success) throw unreachable(`GET ${path}: expected a list, got ${excerptOf(answer)}`);
    const { metadata, items } = list.data;
    return { items: items ?? [], next: metadata?.continue || null, bytes: answer.bytes.length };
  }

  async function readList(path: string, signal: AbortSignal): Promise<readonly KubernetesObject[]> {
    // Once again when the cluster has forgotten where we were; twice is a cluster that cannot be read.
    for (const mayStartAgain of [true, false]) {
      const objects = await readPages(path, signal);
      if (objects !== 'gone') return objects;
      if (!mayStartAgain) break;
    }
    throw unreachable(`GET ${path}: the list was too old to go on with (HTTP 410), twice`);
  }

  async function readPages(path: string, signal: AbortSignal): Promise<readonly KubernetesObject[] | 'gone'> {
    const objects: KubernetesObject[] = [];
    let [next, bytes]: [string | null, number] = [null, 0];
    for (let pages = 0; pages < MAX_PAGES; pages += 1) {
      const read: Page | 'gone' = await page(path, next, signal);
      if (read === 'gone') return 'gone';
      for (const item of read.items) objects.push(item);
      bytes += read.bytes;
      if (read.next === null) return objects;
      if (bytes > MAX_LIST_BYTES) throw unreachable(`GET ${path}: expected a list of at most ${MAX_LIST_BYTES} bytes`);
      next = read.next;
    }
    throw unreachable(`GET ${path}: expected at most ${MAX_PAGES} pages of ${PAGE}`);
  }

  function begin(path: string): SharedList {
    const giveUp = new AbortController();
    const objects = readList(path, giveUp.signal);
    const list: SharedList = { beganMs: hostClock.now(), objects, giveUp, waiting: 0, done: false };
    lists.set(path, list);
    objects.then(
      () => {
        list.done = true;
      },
      // Whoever waits is told, and the last of them forgets it.
      () => undefined,
    );
    return list;
  }

  /** By the caller's deadline and signal, whatever the work heeds. */
  async function bounded<T>(path: string, { deadline, signal }: CheckContext, work: Promise<T>): Promise<T> {
    const over = Promise.withResolvers<never>();
    const leftMs = Math.max(0, deadline - hostClock.now());
    const cancel = hostClock.after(leftMs, () =>
      over.reject(unreachable(`GET ${path}: no answer within ${Math.round(leftMs)} ms`)),
    );
    const onAbort = (): void => over.reject(abortError(signal));
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    try {
      return await Promise.race([over.promise, work]);
    } finally {
      cancel();
      signal.removeEventListener('abort', onAbort);
    }
  }

  return {
    async get(path, context) {
      const giveUp = new AbortController();
      const reading = exchange(path, MAX_ANSWER_BYTES, giveUp.signal);
      try {
        const answer = await bounded(path, context, reading);
        return { status: answer.status, body: bodyOf(answer) };
      } finally {
        giveUp.abort(new Error('nobody waits for it any more'));
      }
    },
    async list(path, context) {
      const kept = lists.get(path);
      const list = kept !== undefined && kept.beganMs >= (context.freshAfterMs ?? -Infinity) ? kept : begin(path);
      list.waiting += 1;
      try {
        return await bounded(path, context, list.objects);
      } finally {
        list.waiting -= 1;
        if (list.waiting === 0 && !list.done) {
          if (lists.get(path) === list) lists.delete(path);
          list.giveUp.abort(new Error('nobody waits for it any more'));
        }
      }
    },
  };
}

interface Answer extends HttpAnswer {
  /** The API server's own, of what it refused. */
  readonly words: string | null;
}

interface Page {
  readonly items: readonly KubernetesObject[];
  readonly next: string | null;
  readonly bytes: number;
}

/** JSON where it is JSON, text else. */
function bodyOf({ bytes }: HttpAnswer): unknown {
  const text = new TextDecoder().decode(bytes);
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const status = z.object({ message: z.string() });

/** The API server's own words, without what was sent to it; null: none. */
function saidBy(answer: HttpAnswer, bearer: string | null): string | null {
  const said = status.safeParse(bodyOf(answer));
  if (!said.success) return null;
  const words = bearer === null ? said.data.message : said.data.message.replaceAll(bearer, '(token)');
  return words.slice(0, 200);
}

const excerptOf = ({ bytes }: HttpAnswer): string =>
  bytes.length === 0 ? 'nothing' : `${bytes.length} bytes of something else`;
