/**
 * How a cluster's API is reached. From a function: the DNS endpoint of the control plane, whose certificate is a public one, or its IP
 * endpoint with the cluster's own authority; either with a Google access token whose scopes tell the e-mail address, or RBAC sees a
 * number (terraform/kubernetes/probe). From a person's machine: cli/smoke/kubeconfig.ts.
 */
import { X509Certificate } from 'node:crypto';
import { RejectedError } from '#shared/errors.ts';
import type { HostClock } from '#shared/ports/clock.ts';
import { type ClientTls, createHttpClient, type HttpClient } from '#shared/runtime/http-client.ts';

export interface ClusterAccess {
  /** Origin, and a path where a proxy serves several clusters; no slash at its end. */
  readonly server: string;
  /** Authorities of the server's certificate, PEM; null: the public ones. */
  readonly caPem: string | null;
  /** A bearer token that outlives a run; null: none is sent. Its errors tell none. */
  readonly token: (() => Promise<string>) | null;
  /** PEM; null: shows no certificate. */
  readonly client: { readonly certPem: string; readonly keyPem: string } | null;
  /** Name in the server's certificate; null: the host's. */
  readonly serverName: string | null;
  /** False: whoever answers is believed. Only where a kubeconfig says so. */
  readonly verified: boolean;
}

export interface GoogleClusterOptions {
  /** `gke-….gke.goog`, an IP address, or a URL of either. */
  readonly endpoint: string;
  /** PEM, or base64 of it as `gcloud container clusters describe` prints it; null: the endpoint's certificate is public. */
  readonly ca: string | null;
  /** Access tokens that tell the account's e-mail address: `Platform.clusterToken`. */
  readonly token: () => Promise<string>;
}

/** @throws RejectedError config_invalid */
export function googleClusterAccess({ endpoint, ca, token }: GoogleClusterOptions): ClusterAccess {
  const server = serverOf(endpoint.includes('://') ? endpoint : `https://${endpoint}`, 'endpoint of the cluster');
  const caPem = ca === null ? null : authoritiesOf(ca, 'authority of the cluster');
  return { server, caPem, token, client: null, serverName: null, verified: true };
}

/** Loopback may do without TLS: kubectl proxy, and the local stack. @throws RejectedError config_invalid */
export function serverOf(text: string, place: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  const loopback = url !== null && /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url.hostname);
  const usable = url?.protocol === 'https:' || (url?.protocol === 'http:' && loopback);
  if (url === null || !usable || url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw new RejectedError(
      'config_invalid',
      `${place}: expected a URL of https (http on this machine only) without user and query, got ${JSON.stringify(url === null ? text : `${url.protocol}//${url.host}${url.pathname}`)}`,
    );
  return `${url.origin}${url.pathname}`.replace(/\/+$/, '');
}

/** @returns PEM @throws RejectedError config_invalid */
export function authoritiesOf(text: string, place: string): string {
  const pem = text.includes('-----BEGIN') ? text : Buffer.from(text, 'base64').toString('utf8');
  const [first] = pem.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/) ?? [];
  try {
    if (first !== undefined && new X509Certificate(first).raw.length > 0) return pem;
  } catch {
    // Said below: what OpenSSL has against it helps nobody.
  }
  throw new RejectedError('config_invalid', `${place}: expected a certificate in PEM, or base64 of it`);
}

/** One for all runs: its connections are kept. */
export function clusterHttp(access: ClusterAccess, hostClock: HostClock): HttpClient {
  const { caPem, client, serverName, verified } = access;
  const tls: ClientTls = {
    ...(caPem === null ? {} : { ca: caPem }),
    ...(client === null ? {} : { cert: client.certPem, key: client.keyPem }),
    ...(serverName === null ? {} : { servername: serverName }),
    ...(verified ? {} : { rejectUnauthorized: false }),
  };
  return createHttpClient({ hostClock, tls, maxConnections: MAX_CONNECTIONS });
}

/**
 * A run reads a dozen lists, and none is to wait in line: where a server's certificate is of another name, undici (7.30) fails those that
 * connect and forgets those behind them, who then wait for their deadline.
 */
const MAX_CONNECTIONS = 64;
