import { READY_LIMIT_DEFAULT_MS } from '#shared/defaults.ts';
import type { Labels } from '../labels.ts';
import { type Address, type InstanceStatus, UNSAID } from '../provider.ts';
import type { Known } from './memory.ts';
import { BLOCK_MS, BLOCKS_PER_HOUR, usdPerBlock, usdPerHour } from './money.ts';
import type { Deployment, Lease, LeaseStatus } from './wire.ts';

/** A state that this list lacks is taken for living: what lives must not be forgotten. */
const OVER = new Set(['closed', 'insufficient_funds']);

const isLive = (lease: Lease): boolean => !OVER.has(lease.state);

/** The lease that counts: we make one. Null: none was ever made. */
export const leaseOf = ({ leases }: Deployment): Lease | null => leases.find(isLive) ?? leases.at(-1) ?? null;

export const isLeased = (deployment: Deployment): boolean => deployment.leases.some(isLive);

/** What a provider says of a lease: which services it knows, and of the one that counts whether and where it answers. */
export interface Word {
  readonly services: readonly string[];
  readonly ready: boolean;
  readonly address: Address | null;
}

/** @param label of ours; null: whichever there is */
export function wordOf(status: LeaseStatus, label: string | null): Word {
  const names = Object.keys(status.services ?? {});
  const name = label ?? names[0] ?? '';
  const service = status.services?.[name];
  const ready = service !== undefined && (service.available ?? service.available_replicas ?? 0) >= (service.total ?? 1);
  return { services: names, ready, address: ready ? addressOf(status, name) : null };
}

/** A port of the provider's host, an address of its own, or a name at its web server. */
function addressOf({ forwarded_ports, ips, services }: LeaseStatus, name: string): Address | null {
  const forwarded = forwarded_ports?.[name]?.find(({ host }) => host != null && host !== '');
  if (forwarded?.host != null) return { host: forwarded.host, port: forwarded.externalPort, tls: false };
  const own = ips?.[name]?.[0];
  if (own !== undefined) return { host: own.IP, port: own.ExternalPort, tls: false };
  const uri = services?.[name]?.uris?.find((one) => URL.canParse(`http://${one}`));
  if (uri === undefined) return null;
  const { hostname, port } = new URL(`http://${uri}`);
  return { host: hostname, port: port === '' ? 80 : Number(port), tls: false };
}

/** Of an instance; null: a deployment that was never leased is none. */
export function statusOf(
  deployment: Deployment,
  known: Known,
  labels: Labels,
  aktUsd: number | null,
): InstanceStatus | null {
  const lease = leaseOf(deployment);
  if (lease === null) return null;
  const live = isLive(lease);
  return {
    instance_id: deployment.dseq,
    request_id: labels.requestIdOf(known.label),
    ...verdictOn(deployment, lease, known),
    // Times on a chain are heights, and a block takes about six seconds: good for durations, not for instants.
    ...UNSAID,
    address: live ? known.address : null,
    gpu_count: known.gpuCount,
    usd_per_hour: usdPerHour(lease.price, aktUsd),
    ...(live ? NOT_BILLED_YET : billOf(lease, known, aktUsd)),
  };
}

const NOT_BILLED_YET = { billed_gpu_hours: null, cost_usd: null };

/** Akash bills each block from the lease to its end, its start included: a sum that the chain itself has reckoned. */
function billOf(lease: Lease, known: Known, aktUsd: number | null) {
  const blocks = blocksOf(lease);
  const usd = usdPerBlock(lease.price, aktUsd);
  if (blocks === null) return NOT_BILLED_YET;
  return {
    billed_gpu_hours: known.gpuCount === null ? null : (blocks / BLOCKS_PER_HOUR) * known.gpuCount,
    cost_usd: usd === null ? null : blocks * usd,
  };
}

/** How long it lasted; null: the API does not say. */
function blocksOf({ created_at: from, closed_on: to }: Lease): number | null {
  return from == null || to == null || from <= 0 || to < from ? null : to - from;
}

/** Host milliseconds: looks come once a minute, and one or two of them may fail. */
const FOLLOWED_MS = 5 * 60_000;

type Verdict = Pick<InstanceStatus, 'state' | 'blame'>;

function verdictOn(deployment: Deployment, lease: Lease, known: Known): Verdict {
  if (isLive(lease)) return { state: known.ready ? 'running' : 'provisioning', blame: null };
  if (known.closed) return { state: 'cancelled', blame: 'tenant' };
  // A provider has nothing to say of a lease that is over. One that nobody saw ready was, if it lasted longer than a start may, unless
  // it was seen preparing until a moment ago.
  const blocks = blocksOf(lease);
  const lasted = blocks !== null && blocks * BLOCK_MS >= READY_LIMIT_DEFAULT_MS;
  const ran = known.ready || (lasted && known.unreadyAgoMs > FOLLOWED_MS);
  const code = reasonCode(lease.reason);
  switch (classOf(code, deployment, lease)) {
    case 'tenant':
      // Closed from within: it was done, or has given up.
      return ran ? { state: 'exited', blame: null } : { state: 'failed_to_start', blame: 'tenant' };
    case 'provider':
      return ran || (code !== null && !OF_STARTS.has(code))
        ? { state: 'preempted', blame: 'provider' }
        : { state: 'failed_to_start', blame: 'provider' };
    case 'network':
      return { state: 'failed', blame: 'network' };
  }
}

/** Names that the chain has for its numbers. */
const REASONS: Readonly<Record<string, number>> = {
  lease_closed_owner: 1,
  lease_closed_reason_unstable: 10_000,
  lease_closed_reason_decommission: 10_001,
  lease_closed_reason_unspecified: 10_002,
  lease_closed_reason_manifest_timeout: 10_003,
  lease_closed_reason_insufficient_funds: 20_000,
};
/** With which a provider gives up what does not get ready: unstable, and no manifest in time. */
const OF_STARTS = new Set([10_000, 10_003]);

/** Null: none is given, or one that nobody knows. */
export function reasonCode(reason: string | number | null | undefined): number | null {
  if (reason == null) return null;
  const named = Object.hasOwn(REASONS, reason) ? REASONS[reason] : undefined;
  const code = named ?? Number(reason);
  return Number.isInteger(code) && code > 0 ? code : null;
}

/** Who ended it: 1 to 9999 its tenant, from 10000 its provider, from 20000 the network. */
function classOf(code: number | null, { state }: Deployment, lease: Lease): 'tenant' | 'provider' | 'network' {
  if (code !== null && code < 10_000) return 'tenant';
  if (code !== null && code < 20_000) return 'provider';
  if (code !== null && code < 30_000) return 'network';
  if (lease.state === 'insufficient_funds') return 'network';
  // Only its tenant closes a deployment; of one that is open the provider has closed the lease.
  return state === 'closed' ? 'tenant' : 'provider';
}
