/**
 * Cloud Run behind a `gcloud` of our own: a script for the PATH, which asks this process what to say. It knows the commands and the
 * flags that the deployment uses and refuses any other, as gcloud does. Revisions answer over HTTP by their tags.
 */
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Gcloud, outcomeOf } from '#cli/dev/deploy/gcloud.ts';
import { bodyOf, closeServer, listenOnLoopback } from './loopback.ts';

/** The first field is the count of the others: its own parent, then the words. */
const SCRIPT = `#!/bin/bash
exec 3<>/dev/tcp/127.0.0.1/PORT
printf '%s\\0' "$(($# + 1))" "$PPID" "$@" >&3
IFS= read -r code <&3
if [ "$code" = 0 ]; then cat <&3; else cat <&3 >&2; fi
exit "$code"
`;

/** Where programs may be started; not so of every place for temporary files. */
const CACHE = fileURLToPath(new URL('../../node_modules/.cache/', import.meta.url));

/** What happens to a call: null, what is meant to. */
export type Fault = null | 'fails' | 'fails when done' | 'hangs' | 'caller killed' | 'caller killed when done';

export interface Revision {
  readonly name: string;
  readonly image: string;
}
export interface Service {
  readonly revisions: Revision[];
  traffic: { revision: string | 'LATEST'; percent: number; tag?: string }[];
}

export interface GcloudFake {
  /** For the PATH. */
  readonly bin: string;
  /** The same without a process; it cannot hang, and whoever calls it cannot be killed. */
  readonly gcloud: Gcloud;
  readonly services: Map<string, Service>;
  jobImage: string;
  /** Words of every call. */
  readonly calls: string[][];
  fault: (words: readonly string[]) => Fault;
  /** Answers of a revision: null, as the function would. */
  answers: (revision: Revision, path: string) => { readonly status: number; readonly body: unknown } | null;
  /** Of a revision, as the request log has them: status and seconds. */
  requests: (revision: string) => readonly (readonly [number, number])[];
  close(): Promise<void>;
}

export const REGISTRY = 'europe-west1-docker.pkg.dev/aurora-test/aurora/functions';
export const imageOf = (digit: string): string => `${REGISTRY}@sha256:${digit.repeat(64)}`;
const WHERE = ['--project', 'aurora-test', '--region', 'europe-west1'];
const CALLER = 'aurora-pusher@aurora-test.iam.gserviceaccount.com';
const JOB = 'aurora-train-job';

export async function startGcloudFake(names: readonly string[]): Promise<GcloudFake> {
  await mkdir(CACHE, { recursive: true });
  const bin = await mkdtemp(join(CACHE, 'aurora-gcloud-'));
  const web = createHttpServer((request, response) => void serve(request, response));
  const origin = await listenOnLoopback(web);
  const door = createServer((socket) => void hear(socket));
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
  const script = join(bin, 'gcloud');
  await writeFile(script, SCRIPT.replace('PORT', String((door.address() as AddressInfo).port)));
  await chmod(script, 0o755);

  const fake: GcloudFake = {
    bin,
    gcloud: async (...words) => {
      const { code, says } = hearWords(words);
      return outcomeOf(words, code === 0 ? { code, out: says, said: '' } : { code, out: '', said: says });
    },
    services: new Map(
      names.map((name) => {
        const service = `aurora-${name}`;
        const traffic = [{ revision: 'LATEST', percent: 100 }];
        return [service, { revisions: [{ name: `${service}-00001`, image: imageOf('0') }], traffic }];
      }),
    ),
    jobImage: imageOf('0'),
    calls: [],
    fault: () => null,
    answers: () => null,
    requests: () => [],
    async close() {
      door.close();
      await closeServer(web);
      await rm(bin, { recursive: true });
    },
  };

  /** Whatever kills or hangs is done to whoever called, by the process. */
  function hearWords(words: readonly string[], end: (fault: Fault) => void = () => undefined): Said {
    fake.calls.push([...words]);
    const fault = fake.fault(words);
    end(fault);
    if (fault === 'fails') return { code: 1, says: 'ERROR: (gcloud) the network is away\n' };
    const said = fault === 'hangs' || fault === 'caller killed' ? null : done(() => obey(fake, origin, words));
    return fault === 'fails when done' || said === null ? { code: 1, says: 'ERROR: (gcloud) reset\n' } : said;
  }

  async function hear(socket: Socket): Promise<void> {
    socket.on('error', () => socket.destroy());
    const [parent, words] = await wordsFrom(socket);
    let hangs = false;
    const { code, says } = hearWords(words, (fault) => {
      hangs = fault === 'hangs';
      if (fault?.startsWith('caller killed')) process.kill(parent, 'SIGKILL');
    });
    if (!hangs) socket.end(`${code}\n${says}`);
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const [, tag, service = '', path = ''] = /^\/(?:([a-z]+)---)?(aurora-[a-z]+)(\/.*)$/.exec(request.url ?? '') ?? [];
    const body = await bodyOf(request);
    const { status, body: says } =
      request.headers.authorization === `Bearer ${tokenOf(CALLER, audienceOf(service))}`
        ? answerOf(fake, { tag, service, path, body })
        : { status: 403, body: {} };
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(says));
  }
  return fake;
}

async function wordsFrom(socket: Socket): Promise<[number, string[]]> {
  let text = '';
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    text += String(chunk);
    const [count = '', ...fields] = text.split('\0');
    // The last field is what follows the last mark: nothing.
    if (fields.length > Number(count)) return [Number(fields[0]), fields.slice(1, -1)];
  }
  throw new Error(`gcloud was called and said no more than ${JSON.stringify(text)}`);
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}
const refused = (status: number, code: string): Answer => ({
  status,
  body: { error: { code, message: '', remedy: '' } },
});

function answerOf(
  fake: GcloudFake,
  asked: { readonly tag: string | undefined; readonly service: string; readonly path: string; readonly body: Buffer },
): Answer {
  const { tag, service, path, body } = asked;
  const { revisions, traffic } = serviceIn(fake, service);
  const target = traffic.find((entry) => (tag === undefined ? entry.percent > 0 : entry.tag === tag));
  const revision = revisions.find(({ name }) => name === target?.revision) ?? revisions.at(-1);
  if (target === undefined || revision === undefined) return { status: 404, body: {} };
  const name = service.replace('aurora-', '');
  const other = fake.answers(revision, path);
  if (other !== null) return other;
  if (path === '/health') return { status: 200, body: { status: 'ok', function: name } };
  if (path === '/ready') return { status: 200, body: { ready: true, waiting_for: [] } };
  if (name === 'score') return { status: 200, body: { recommendations: [] } };
  if (name === 'route') return refused(400, 'body_invalid');
  // Their one door is the clock's.
  if (name === 'collect' || name === 'watch') return refused(404, 'not_found');
  return body.length > 512 * 1024 ? refused(413, 'body_too_large') : refused(400, 'envelope_invalid');
}

class Complaint extends Error {
  readonly code: number;
  constructor(code: number, message: string) {
    super(message);
    this.code = code;
  }
}

interface Said {
  readonly code: number;
  readonly says: string;
}

function done(what: () => string): Said {
  try {
    return { code: 0, says: what() };
  } catch (error) {
    if (!(error instanceof Complaint)) throw error;
    return { code: error.code, says: `ERROR: (gcloud) ${error.message}\n` };
  }
}

const audienceOf = (service: string): string => `https://${service}-1.europe-west1.run.app`;
const tokenOf = (caller: string, audience: string): string => `token-${caller}-${audience}`;

function serviceIn(fake: GcloudFake, name: string): Service {
  const service = fake.services.get(name);
  if (service === undefined) throw new Complaint(1, `Cannot find service [${name}]`);
  return service;
}

function obey(fake: GcloudFake, origin: string, words: readonly string[]): string {
  const named = words.filter((word) => !word.startsWith('-'));
  const flags = new Map(
    words
      .filter((word) => word.startsWith('--'))
      .map((word) => {
        const [, flag = word, value = ''] = /^(--[a-z-]+)=(.*)$/s.exec(word) ?? [];
        return [flag, value];
      }),
  );
  const only = (...known: string[]): void => {
    const unknown = [...flags.keys()].find((flag) => !['--project', '--region', '--quiet', ...known].includes(flag));
    if (unknown !== undefined) throw new Complaint(2, `unrecognized arguments: ${unknown}`);
  };
  const command = words.join(' ');
  if (named[0] === 'run' && !command.includes(WHERE.join(' ')))
    throw new Complaint(1, 'project and region are not said');
  const name = named[3] ?? '';
  if (command.startsWith('run services describe ')) {
    only('--format');
    return JSON.stringify(described(serviceIn(fake, name), name, origin));
  }
  if (command.startsWith('run services update ')) {
    only('--image', '--no-traffic', '--tag');
    const service = serviceIn(fake, name);
    const revision = `${name}-${String(service.revisions.length + 1).padStart(5, '0')}`;
    const now = service.revisions.at(-1)?.name ?? '';
    const image = flags.get('--image') ?? '';
    const kept = service.traffic
      .map((entry) => (entry.revision === 'LATEST' && flags.has('--no-traffic') ? { ...entry, revision: now } : entry))
      .filter(({ tag }) => tag === undefined || tag !== flags.get('--tag'));
    service.traffic = [...kept, { revision, percent: 0, tag: flags.get('--tag') ?? '' }];
    service.revisions.push({ name: revision, image });
    return '';
  }
  if (command.startsWith('run services update-traffic ')) {
    only('--to-revisions', '--update-tags', '--remove-tags');
    splitTraffic(serviceIn(fake, name), flags);
    return '';
  }
  if (command.startsWith(`run jobs describe ${JOB} `)) {
    only('--format');
    const containers = [{ image: fake.jobImage }];
    return JSON.stringify({ spec: { template: { spec: { template: { spec: { containers } } } } } });
  }
  if (command.startsWith(`run jobs update ${JOB} `)) {
    only('--image');
    fake.jobImage = flags.get('--image') ?? '';
    return '';
  }
  if (command.startsWith('artifacts docker images describe ')) {
    only('--format');
    if (name !== 'describe' || named[4] !== `${REGISTRY}:build-1`) throw new Complaint(1, 'Image not found.');
    return `${imageOf('1')}\n`;
  }
  if (command.startsWith('auth print-identity-token ')) {
    only('--impersonate-service-account', '--audiences', '--include-email');
    return `${tokenOf(flags.get('--impersonate-service-account') ?? '', flags.get('--audiences') ?? '')}\n`;
  }
  if (command.startsWith('logging read ')) {
    only('--limit', '--format');
    const revision = /resource\.labels\.revision_name="([^"]+)"/.exec(named[2] ?? '')?.[1] ?? '';
    return JSON.stringify(
      fake.requests(revision).map(([status, seconds]) => ({ httpRequest: { status, latency: `${seconds}s` } })),
    );
  }
  throw new Complaint(2, `Invalid choice: ${command}`);
}

function splitTraffic(service: Service, flags: ReadonlyMap<string, string>): void {
  const pairs = (flag: string): [string, string][] =>
    (flags.get(flag) ?? '')
      .split(',')
      .filter((pair) => pair !== '')
      .map((pair) => pair.split('=') as [string, string]);
  const known = (revision: string): string => {
    if (service.revisions.some(({ name }) => name === revision)) return revision;
    throw new Complaint(1, `Revision '${revision}' not found.`);
  };
  const shares = pairs('--to-revisions').map(([revision, percent]) => ({
    revision: known(revision),
    percent: Number(percent),
  }));
  if (shares.reduce((sum, { percent }) => sum + percent, 0) !== 100) throw new Complaint(1, 'not 100 %');
  const set = new Map(pairs('--update-tags'));
  const gone = (flags.get('--remove-tags') ?? '').split(',');
  const tags = service.traffic.filter(({ tag }) => tag !== undefined && !gone.includes(tag) && !set.has(tag));
  service.traffic = [
    ...shares.filter(({ percent }) => percent > 0),
    ...tags.map((entry) => ({ ...entry, percent: 0 })),
    ...[...set].map(([tag, revision]) => ({ revision: known(revision), percent: 0, tag })),
  ];
}

/** As Knative's Service. */
const described = ({ revisions, traffic }: Service, name: string, origin: string): unknown => {
  const latest = revisions.at(-1);
  const env = [
    { name: 'AURORA_AUDIENCE', value: audienceOf(name) },
    { name: 'AURORA_CALLERS', value: CALLER },
  ];
  return {
    apiVersion: 'serving.knative.dev/v1',
    kind: 'Service',
    metadata: { name },
    spec: { template: { spec: { containers: [{ image: latest?.image, env }] } } },
    status: {
      url: `${origin}/${name}`,
      latestCreatedRevisionName: latest?.name,
      latestReadyRevisionName: latest?.name,
      traffic: traffic.map(({ revision, percent, tag }) => ({
        revisionName: revision === 'LATEST' ? latest?.name : revision,
        ...(revision === 'LATEST' ? { latestRevision: true } : {}),
        ...(percent > 0 ? { percent } : {}),
        ...(tag === undefined ? {} : { tag, url: `${origin}/${tag}---${name}` }),
      })),
    },
  };
};
