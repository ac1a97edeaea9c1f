import { createServer } from 'node:https';
import { rootCertificates, type TLSSocket } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { hostClock } from '#shared/adapters/clock/host.ts';
import {
  authoritiesOf,
  type ClusterAccess,
  clusterHttp,
  googleClusterAccess,
  serverOf,
} from '#shared/probes/kubernetes/access.ts';
import { createAuthority } from '#sim/cluster/tls/identities.ts';
import { closeServer, listenOnLoopback } from '#test/support/loopback.ts';

const [PEM = ''] = rootCertificates;
const token = async () => 'token';

describe('the way to a cluster', () => {
  test.each([
    ['gke-1a2b3c-123456789.us-central1.gke.goog', null, 'https://gke-1a2b3c-123456789.us-central1.gke.goog'],
    ['https://gke-1a2b3c.us-central1.gke.goog/', null, 'https://gke-1a2b3c.us-central1.gke.goog'],
    ['34.66.0.1', PEM, 'https://34.66.0.1'],
    ['https://10.0.0.2:6443', Buffer.from(PEM).toString('base64'), 'https://10.0.0.2:6443'],
    ['[2001:db8::1]', PEM, 'https://[2001:db8::1]'],
  ])('by %s', async (endpoint, ca, server) => {
    const access = googleClusterAccess({ endpoint, ca, token });
    expect(access).toEqual({
      server,
      caPem: ca === null ? null : PEM,
      token,
      client: null,
      serverName: null,
      verified: true,
    });
  });

  test.each([
    ['http://10.0.0.2', '"http://10.0.0.2/"'],
    ['http://127.0.0.1.example.net', '"http://127.0.0.1.example.net/"'],
    ['ftp://x', '"ftp://x/"'],
    ['', '""'],
    ['not a url', '"not a url"'],
    ['https://', '"https://"'],
    // Neither user nor query is told again: they may be secret.
    ['https://me:secret@10.0.0.2/x', '"https://10.0.0.2/x"'],
    ['https://10.0.0.2/?token=secret', '"https://10.0.0.2/"'],
    ['https://10.0.0.2/#secret', '"https://10.0.0.2/"'],
  ])('is none by %j', (text, got) => {
    let error: unknown = null;
    try {
      serverOf(text, 'endpoint');
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({
      code: 'config_invalid',
      message: `endpoint: expected a URL of https (http on this machine only) without user and query, got ${got}`,
    });
  });

  test.each([
    ['http://127.0.0.1:8001', 'http://127.0.0.1:8001'],
    ['http://localhost:8001/', 'http://localhost:8001'],
    ['http://[::1]:8001', 'http://[::1]:8001'],
    ['https://rancher.example.net/k8s/clusters/c-1/', 'https://rancher.example.net/k8s/clusters/c-1'],
  ])('may be %s', (text, server) => expect(serverOf(text, 'endpoint')).toBe(server));

  test.each([
    '',
    'not base64 of anything',
    PEM.replace('-----END', '-----'),
    '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
    Buffer.from('-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n').toString('base64'),
  ])('is not trusted by %j', (ca) => {
    expect(() => authoritiesOf(ca, 'authority of the cluster')).toThrow(
      'authority of the cluster: expected a certificate in PEM, or base64 of it',
    );
  });

  test('shows the certificate that it was given, to a server of the authority that it was given', async () => {
    const { caPem, longLived } = createAuthority(['cluster.example'], hostClock.now());
    const server = createServer({ ...longLived, requestCert: true, rejectUnauthorized: false }, (request, response) =>
      response.end((request.socket as TLSSocket).getPeerCertificate().subject?.CN ?? 'nobody'),
    );
    const origin = (await listenOnLoopback(server)).replace('http:', 'https:');
    const who = async (client: ClusterAccess['client']): Promise<string> => {
      const access = { server: origin, caPem, token: null, client, serverName: 'cluster.example', verified: true };
      const http = clusterHttp(access, hostClock);
      try {
        const { bytes } = await http.exchange({ url: `${origin}/`, method: 'GET', deadlineMs: 10_000 });
        return new TextDecoder().decode(bytes);
      } finally {
        await http.close();
      }
    };
    try {
      expect(await who(null)).toBe('nobody');
      expect(await who({ certPem: longLived.cert, keyPem: longLived.key })).toBe('cluster.example');
    } finally {
      await closeServer(server);
    }
  });
});
