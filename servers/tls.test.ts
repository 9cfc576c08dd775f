// Under TLS the target speaks the version stated and only it, and counts full, resumed and failed handshakes apart.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { suite, test } from 'node:test';
import tls from 'node:tls';
import { createClient, openTestTarget } from './testing/client.ts';

const versions = [
  { stated: '1.2', negotiated: 'TLSv1.2', other: 'TLSv1.3' },
  { stated: '1.3', negotiated: 'TLSv1.3', other: 'TLSv1.2' },
] as const;

for (const { stated, negotiated, other } of versions) {
  suite(`TLS ${stated}`, () => {
    test('is negotiated with http/1.1, a P-256 certificate for 127.0.0.1, and kept alive', async () => {
      const target = await openTestTarget({ tls: stated });
      const client = createClient(target.endpoint, { ALPNProtocols: ['h2', 'http/1.1'] });
      const { socket } = await client.ask();
      await client.ask();
      assert.ok(socket instanceof tls.TLSSocket && socket.authorized);
      assert.equal(socket.getProtocol(), negotiated);
      assert.equal(socket.alpnProtocol, 'http/1.1');
      const { asn1Curve, subjectaltname } = socket.getPeerCertificate() as tls.PeerCertificate & {
        asn1Curve: string;
      };
      assert.deepEqual([asn1Curve, subjectaltname], ['prime256v1', 'IP Address:127.0.0.1']);
      assert.equal(client.openedConnections(), 1);
      client.close();
      await target.close();
      const { accepted, handshakesFull, handshakesResumed, requestsPerConnection } = target.read();
      assert.deepEqual([accepted, handshakesFull, handshakesResumed], [1, 1, 0]);
      assert.deepEqual(requestsPerConnection, [{ requests: 2, connections: 1 }]);
    });

    test('handshakes are counted as full without sessions, as resumed with them', async () => {
      const target = await openTestTarget({ tls: stated, connectionClose: true });
      const forgetful = createClient(target.endpoint, { maxCachedSessions: 0 });
      for (let asked = 0; asked < 3; asked++) await forgetful.ask();
      assert.equal(target.read().handshakesFull, 3);
      const remembering = createClient(target.endpoint);
      for (let asked = 0; asked < 5; asked++) await remembering.ask();
      assert.equal(target.read().handshakesFull, 4);
      assert.equal(target.read().handshakesResumed, 4);
      await target.close();
      assert.deepEqual(target.read().requestsPerConnection, [{ requests: 1, connections: 8 }]);
    });

    test('a failed handshake is an accepted connection, but no handshake', async () => {
      const target = await openTestTarget({ tls: stated });
      const { caPem: ca, origin } = target.endpoint;
      const at = { host: '127.0.0.1', port: Number(new URL(origin).port) };
      const attempts: [options: tls.ConnectionOptions, code: RegExp][] = [
        [{ ca, minVersion: other, maxVersion: other }, /PROTOCOL|ECONNRESET/],
        [{ ca, ALPNProtocols: ['h2'] }, /NO_APPLICATION_PROTOCOL/],
      ];
      for (const [options, code] of attempts) {
        const [error] = await once(tls.connect({ ...at, ...options } as tls.ConnectionOptions), 'error');
        assert.match(error.code, code);
      }
      const plain = connectTcp(at).on('error', () => {});
      plain.end('GET / HTTP/1.1\r\nHost: t\r\n\r\n');
      await once(plain.resume(), 'close');
      await target.close();
      const { accepted, requests, openConnections, handshakesFull, handshakesResumed } = target.read();
      assert.deepEqual([accepted, requests, openConnections], [3, 0, 0]);
      assert.deepEqual([handshakesFull, handshakesResumed], [0, 0]);
      assert.deepEqual(target.read().requestsPerConnection, [{ requests: 0, connections: 3 }]);
    });
  });
}

test('close does not wait for a handshake that never comes', async () => {
  const target = await openTestTarget({ tls: '1.3' });
  const silent = connectTcp(Number(new URL(target.endpoint.origin).port), '127.0.0.1').on('error', () => {});
  await once(silent, 'connect');
  const ended = once(silent.resume(), 'close');
  await target.close();
  await ended;
});

test('each target has a certificate of its own', async () => {
  const [one, two] = await Promise.all([openTestTarget({ tls: '1.3' }), openTestTarget({ tls: '1.3' })]);
  assert.notEqual(one.endpoint.caPem, two.endpoint.caPem);
  await Promise.all([one.close(), two.close()]);
});
