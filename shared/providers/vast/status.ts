import { rfc3339 } from '#shared/domain/primitives.ts';
import type { Labels } from '../labels.ts';
import { type Address, type InstanceStatus, UNSAID } from '../provider.ts';
import type { VastInstance } from './wire.ts';

/** Vast's month, by which storage is billed. */
const HOURS_PER_MONTH = 730;

/** In what Docker says of an image that nobody has, or that this customer may not have. */
const BAD_IMAGE =
  /manifest (unknown|for .+ not found)|pull access denied|repository does not exist|invalid reference format|no matching manifest|(exec|executable file) .*not found|exec format error/i;
/** Vast's words for a container that is up. */
const RAN = /^success/i;

type Verdict = Pick<InstanceStatus, 'state' | 'blame'>;

const PROVIDERS_FAULT = { state: 'failed_to_start', blame: 'provider' } as const;

/** `nowMs`: world time. */
export function statusOf(instance: VastInstance, labels: Labels, nowMs: number): InstanceStatus {
  const verdict = verdictOn(instance);
  const running = verdict.state === 'running';
  const storage = storageUsdPerHour(instance);
  const createdMs = instance.start_date == null ? null : instance.start_date * 1_000;
  const readyMs = running && (instance.uptime_mins ?? 0) > 0 ? nowMs - (instance.uptime_mins ?? 0) * 60_000 : null;
  return {
    instance_id: String(instance.id),
    request_id: labels.requestIdOf(instance.label),
    ...verdict,
    ...UNSAID,
    created_at: createdMs === null ? null : rfc3339(createdMs),
    ready_at: readyMs === null ? null : rfc3339(Math.max(readyMs, createdMs ?? 0)),
    address: running ? addressOf(instance) : null,
    gpu_count: instance.num_gpus ?? null,
    usd_per_hour: gpuUsdPerHour(instance, storage),
    storage_usd_per_hour: storage,
  };
}

const hasRun = ({ uptime_mins, status_msg }: VastInstance): boolean =>
  (uptime_mins ?? 0) > 0 || RAN.test(status_msg ?? '');

function verdictOn(instance: VastInstance): Verdict {
  const status = instance.actual_status ?? null;
  const ran = hasRun(instance);
  const badImage = BAD_IMAGE.test(instance.status_msg ?? '');
  switch (status) {
    case null:
    case 'created':
    case 'loading':
      // It says so for ever with an image that cannot be had, and on a host that has given up.
      if (badImage) return { state: 'failed_to_start', blame: 'tenant' };
      return instance.intended_status === 'stopped' ? PROVIDERS_FAULT : { state: 'provisioning', blame: null };
    case 'running':
    case 'frozen':
      return { state: 'running', blame: null };
    case 'rebooting':
      return notOver(ran);
    case 'exited':
      if (ran) return { state: 'exited', blame: null };
      return badImage ? { state: 'failed_to_start', blame: 'tenant' } : PROVIDERS_FAULT;
    case 'stopped':
    case 'offline':
      return ran ? { state: 'preempted', blame: 'provider' } : PROVIDERS_FAULT;
    case 'unknown':
      return { state: 'failed', blame: 'network' };
    // What lives must not be taken for ended: its own limits end it.
    default:
      return notOver(ran);
  }
}

const notOver = (ran: boolean): Verdict => ({ state: ran ? 'running' : 'provisioning', blame: null });

const storageUsdPerHour = ({ storage_cost, disk_space }: VastInstance): number | null =>
  storage_cost == null || disk_space == null ? null : (storage_cost * disk_space) / HOURS_PER_MONTH;

function gpuUsdPerHour({ dph_base, dph_total }: VastInstance, storage: number | null): number | null {
  if (dph_base != null) return dph_base;
  return dph_total == null ? null : Math.max(0, dph_total - (storage ?? 0));
}

/** The first TCP port that is mapped: we ask for one. */
function addressOf({ public_ipaddr, ports }: VastInstance): Address | null {
  const host = public_ipaddr?.trim();
  const mapped = Object.entries(ports ?? {}).find(([port, to]) => port.endsWith('/tcp') && (to ?? []).length > 0);
  const port = mapped?.[1]?.[0]?.HostPort;
  return host === undefined || host === '' || port === undefined ? null : { host, port, tls: false };
}
