/**
 * Asks a revision by the URL of its tag whether it is what it should be: alive, the function that it is called, ready, and answering
 * the request of its kind (services.ts). Each question is put again after a pause: a URL that has just been made does not lead there
 * at once, and a first start takes its time.
 */
import { z } from 'zod';
import { RejectedError } from '#shared/errors.ts';
import type { Gcloud } from './gcloud.ts';
import type { ServiceState } from './plan.ts';
import type { Probe } from './services.ts';

export interface Asking {
  /** The function. */
  readonly name: string;
  /** Of the revision. */
  readonly url: string;
  /** Of the service: who is not ready may pass when those who serve are not either. */
  readonly serviceUrl: string;
  readonly token: string | null;
  readonly probe: Probe;
  readonly tries: number;
  readonly pauseMs: number;
  sleep(ms: number): Promise<void>;
}

/** In the log, these are told from the requests of others by it. */
export const USER_AGENT = 'aurora-deploy';
const DEADLINE_MS = 30_000;

/**
 * @returns remarks
 * @throws RejectedError smoke_failed
 */
export async function ask(asking: Asking): Promise<readonly string[]> {
  const { name, url, serviceUrl, probe } = asking;
  const remarks: string[] = [];
  await insist(asking, 'GET /health', async () => {
    const { status, body } = await send(asking, `${url}/health`);
    const says = z.object({ function: z.string() }).safeParse(body).data?.function;
    return status === 200 && says === name ? null : `expected 200 of ${name}, got ${status} of ${says ?? 'nobody'}`;
  });
  await insist(asking, 'GET /ready', async () => {
    const { status, body } = await send(asking, `${url}/ready`);
    if (status === 200) return null;
    const waiting =
      z
        .object({ waiting_for: z.array(z.string()) })
        .safeParse(body)
        .data?.waiting_for.join('; ') ?? '';
    const now = await send(asking, `${serviceUrl}/ready`);
    if (status !== 503 || now.status !== 503) return `expected 200, got ${status} ${waiting}`;
    remarks.push(`${name} is not ready, and what serves is not either: ${waiting}`);
    return null;
  });
  await insist(asking, `POST ${probe.path}`, async () => {
    const { status, body } = await send(asking, `${url}${probe.path}`, probe.body);
    const code = z.object({ error: z.object({ code: z.string() }) }).safeParse(body).data?.error.code;
    if (probe.passes.includes(status) || (code !== undefined && probe.passes.includes(code))) return null;
    return `expected ${probe.passes.join(' or ')}, got ${status} ${code ?? ''}`.trim();
  });
  return remarks;
}

/** @param question null: answered as it should be */
async function insist(
  { name, tries, pauseMs, sleep }: Asking,
  what: string,
  question: () => Promise<string | null>,
): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const wrong = await question().catch((error: unknown) => whyOf(error));
    if (wrong === null) return;
    if (attempt === tries) throw new RejectedError('smoke_failed', `${name}: ${what}: ${wrong}`);
    await sleep(pauseMs);
  }
}

async function send(
  { token }: Asking,
  url: string,
  body?: string,
): Promise<{ readonly status: number; readonly body: unknown }> {
  const response = await fetch(url, {
    method: body === undefined ? 'GET' : 'POST',
    headers: {
      'user-agent': USER_AGENT,
      'content-type': 'application/json',
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
    },
    ...(body === undefined ? {} : { body }),
    redirect: 'error',
    signal: AbortSignal.timeout(DEADLINE_MS),
  });
  const said = await response.text();
  return { status: response.status, body: said.startsWith('{') ? (JSON.parse(said) as unknown) : null };
}

/** fetch says "fetch failed"; the reason is in its cause. */
function whyOf(error: unknown): string {
  if (!(error instanceof Error)) throw error;
  return error.cause instanceof Error ? error.cause.message : error.message;
}

/** As a caller whom the service lets in: the one named where it is one of them, else the first of them. */
const callerOf = ({ callers }: ServiceState, wanted: string | null): string | null =>
  wanted !== null && callers.includes(wanted) ? wanted : (callers[0] ?? null);

/** @throws RejectedError deployment_refused when no service lets in whom the release should ask as */
export function checkCaller(services: readonly ServiceState[], wanted: string | null): void {
  if (wanted === null || services.some(({ callers }) => callers.includes(wanted))) return;
  const all = [...new Set(services.flatMap(({ callers }) => callers))];
  throw new RejectedError(
    'deployment_refused',
    `no service lets ${wanted} call, but ${all.join(', ')}: name one of them with --caller, or add it in terraform`,
  );
}

/** Null: the service names nobody who may call, so it is asked as nobody. */
export async function tokenFor(gcloud: Gcloud, state: ServiceState, wanted: string | null): Promise<string | null> {
  const caller = callerOf(state, wanted);
  if (caller === null) return null;
  const token = await gcloud(
    ...['auth', 'print-identity-token', `--impersonate-service-account=${caller}`],
    ...[`--audiences=${state.audience ?? state.url}`, '--include-email'],
  );
  return token.trim();
}
