import { rootCertificates } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { authoritiesOf, googleClusterAccess, serverOf } from '#shared/probes/kubernetes/access.ts';

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
});
