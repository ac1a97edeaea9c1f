/** A simulated cluster for tests: its clock, what it is asked, and all that it shows at one moment. */
import { Agent, request } from 'node:http';
import { connect, type PeerCertificate } from 'node:tls';
import { RESOURCES, type Resource } from '#sim/cluster/api/resources.ts';
import { HOSTS } from '#sim/cluster/facts.ts';
import { type ClusterOptions, type RunningCluster, startCluster } from '#sim/cluster/index.ts';
import { SERVICE_NAMES } from '#sim/cluster/services/index.ts';
import { type FakeClock, fakeClock } from '#test/support/clock.ts';

const SLOW_MS = 1_234;
/** Certificates are judged by the machine's own clock, so that is where the clusters of a file begin: at its last full hour. */
export const START_MS = Math.floor(Date.now() / 3_600_000) * 3_600_000;

export interface House {
  readonly cluster: RunningCluster;
  readonly clock: FakeClock;
  /** How many answers were late until now: they come at once, and are counted. */
  late(): number;
}

/** Time stands still unless told; what is slow is not waited for. */
export async function openCluster(options: Partial<ClusterOptions> = {}): Promise<House> {
  const clock = fakeClock(START_MS);
  let late = 0;
  const cluster = await startCluster({
    seed: 7,
    slowMs: SLOW_MS,
    ...options,
    hostClock: {
      now: clock.now,
      after(ms, run) {
        if (ms !== SLOW_MS && ms !== 2 * SLOW_MS) return clock.after(ms, run);
        late += 1;
        const soon = setImmediate(run);
        return () => clearImmediate(soon);
      },
    },
  });
  // KEDA's first look.
  await clock.advance(1);
  return { cluster, clock, late: () => late };
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  readonly headers: NodeJS.Dict<string | string[]>;
}

export interface AskOptions {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Of connections that are used again; false: one for this. */
  readonly agent?: Agent | false;
}

/** Null: cut off. The path goes out as it is given. */
export function ask(origin: string, path: string, options: AskOptions = {}): Promise<Answer | null> {
  const { method = 'GET', headers = {}, body, agent = false } = options;
  const { hostname, port } = new URL(origin);
  return new Promise((resolve) => {
    const asked = request({ hostname, port, path, method, headers, agent }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk;
      });
      response.once('end', () => resolve({ status: response.statusCode ?? 0, text, headers: response.headers }));
    });
    asked.once('error', () => resolve(null));
    asked.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

export const askApi = (
  { cluster }: House,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  agent: Agent | false = false,
) => ask(cluster.apiUrl, path, { headers: { authorization: `Bearer ${cluster.token}`, ...headers }, agent });

export interface Item<Spec = unknown, Status = unknown> {
  readonly kind?: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly resourceVersion: string;
    readonly ownerReferences?: readonly { readonly uid: string }[];
  };
  readonly spec: Spec;
  readonly status: Status;
}

export interface Listed<One extends Item = Item> {
  readonly kind: string;
  readonly metadata: {
    readonly resourceVersion: string;
    readonly continue?: string;
    readonly remainingItemCount?: number;
  };
  readonly items: readonly One[];
}

/** @throws Error: anything but a list */
export async function listOf<One extends Item = Item>(house: House, path: string): Promise<Listed<One>> {
  const answer = await askApi(house, path);
  if (answer?.status !== 200) throw new Error(`${path}: ${answer?.status} ${answer?.text}`);
  return JSON.parse(answer.text) as Listed<One>;
}

export interface Shown {
  readonly fault: string | null;
  readonly daysLeft: number;
  readonly altNames: string | undefined;
}

/** What a server shows in TLS. @param nowMs host epoch milliseconds */
export function shownBy(
  port: number,
  { servername, ca, crl, nowMs }: { servername: string; ca: string; crl?: readonly string[]; nowMs: number },
): Promise<Shown> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, servername, ca, rejectUnauthorized: false };
    const socket = connect(crl === undefined ? options : { ...options, crl: [...crl] }, () => {
      const peer: PeerCertificate = socket.getPeerCertificate();
      const error = socket.authorizationError as unknown;
      const fault = error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : error;
      socket.destroy();
      resolve({
        fault: fault === null || fault === undefined ? null : String(fault),
        daysLeft: Math.round((Date.parse(peer.valid_to) - nowMs) / 86_400_000),
        altNames: peer.subjectaltname,
      });
    });
    socket.once('error', reject);
  });
}

const PATHS: Readonly<Record<(typeof SERVICE_NAMES)[number], readonly string[]>> = {
  // Often enough that one call in five is seen.
  'psi-field': [...Array.from({ length: 16 }, (_, n) => `/health?${n}`), '/state', '/metrics', '/guardian/statistics'],
  scheduler: ['/health', '/metrics'],
  'aurora-router': ['/health', '/metrics', '/providers'],
  analytics: ['/'],
  loki: ['/ready'],
  tempo: ['/ready'],
};

const pathOf = ({ group, version, plural }: Resource): string =>
  `${group === '' ? '/api' : `/apis/${group}`}/${version}/${plural}`;

/** All that can be seen now, by what it is of: `Pod aurora-router`, `psi-field /state`, `ingress aurora`, `tls`. */
export async function pictureOf(house: House): Promise<ReadonlyMap<string, string>> {
  const { cluster, clock } = house;
  const agent = new Agent({ keepAlive: true });
  const picture = new Map<string, string>();
  const see = async (name: string, look: () => Promise<unknown>): Promise<void> => {
    const before = house.late();
    const seen = JSON.stringify([await look(), house.late() > before ? 'late' : 'in time']);
    picture.set(name, (picture.get(name) ?? '') + seen);
  };
  for (const path of ['/version', '/readyz'])
    await see(`api ${path}`, async () => (await askApi(house, path, {}, agent))?.text ?? 'cut');
  for (const resource of RESOURCES) {
    const { kind, plural } = resource;
    let token = '';
    await see(`api ${plural}`, async () => {
      for (let page = 1; page <= 50; page += 1) {
        const answer = await askApi(house, `${pathOf(resource)}?limit=500${token}`, {}, agent);
        if (answer?.status !== 200) return [page, answer?.status ?? 'cut'];
        const { items, metadata } = JSON.parse(answer.text) as Listed;
        for (const item of items) {
          const key = `${kind} ${item.metadata.labels?.['app'] ?? item.metadata.name}`;
          const { resourceVersion, ...meta } = item.metadata;
          picture.set(key, (picture.get(key) ?? '') + JSON.stringify({ ...item, metadata: meta }));
        }
        if (metadata.continue === undefined) return page;
        token = `&continue=${metadata.continue}`;
      }
      return 'endless';
    });
  }
  for (const name of SERVICE_NAMES)
    for (const path of PATHS[name])
      await see(`${name} ${path.replace(/\?.*/, '')}`, async () => {
        const answer = await ask(cluster.urls[name], path, { agent });
        return answer === null ? 'cut' : [answer.status, answer.text];
      });
  for (const host of Object.keys(HOSTS))
    await see(`ingress ${host.split('.')[0]}`, async () => {
      const answer = await ask(cluster.ingressUrl, '/health', { headers: { host }, agent });
      return answer === null ? 'cut' : [answer.status, answer.text];
    });
  await see('tls', () =>
    shownBy(cluster.ingressTlsPort, {
      servername: 'aurora.vaultmesh.cloud',
      ca: cluster.caPem,
      crl: cluster.crlPems,
      nowMs: clock.now(),
    }),
  );
  agent.destroy();
  return picture;
}

/** What two pictures differ in. An object that a list did not tell is the list's matter. */
export function difference(one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): readonly string[] {
  const keys = [...new Set([...one.keys(), ...other.keys()])].filter((key) => one.get(key) !== other.get(key));
  const untold = RESOURCES.filter(({ plural }) => keys.includes(`api ${plural}`)).map(({ kind }) => kind);
  return keys.filter((key) => other.has(key) || !untold.some((kind) => key.startsWith(`${kind} `))).sort();
}
