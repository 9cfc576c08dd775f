// Under TLS the target speaks the version stated and only it, and counts full, resumed and failed handshakes apart.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { suite, test } from 'node:test';
import { type ConnectionOptions, connect, TLSSocket } from 'node:tls';
import { connectRaw, createClient } from './testing/client.ts';
import { openTestTarget } from './testing/target.ts';

const versions = [
  { stated: '1.2', negotiated: 'TLSv1.2', other: 'TLSv1.3' },
  { stated: '1.3', negotiated: 'TLSv1.3', other: 'TLSv1.2' },
] as const;

for (const { stated, negotiated, other } of versions) {
  suite(`TLS ${stated}`, () => {
    test('is negotiated with http/1.1 and a P-256 certificate for 127.0.0.1, and kept alive', async t => {
      const target = await openTestTarget(t, { tls: stated });
      const client = createClient(t, target.endpoint, { ALPNProtocols: ['h2', 'http/1.1'] });
      const { socket } = await client.ask();
      assert.ok(socket instanceof TLSSocket && socket.authorized);
      assert.equal(socket.getProtocol(), negotiated);
      assert.equal(socket.alpnProtocol, 'http/1.1');
      const certificate = socket.getPeerX509Certificate();
      assert.equal(certificate?.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
      assert.equal(certificate?.subjectAltName, 'IP Address:127.0.0.1');
      await client.ask();
      assert.equal(client.openedConnections(), 1);
      await target.close();
      assert.deepEqual(target.read(), {
        accepted: 1,
        requests: 2,
        openConnections: 0,
        handshakesFull: 1,
        handshakesResumed: 0,
        acceptedHttp2: 0,
        requestsPerConnection: [{ requests: 2, connections: 1 }],
      });
    });

    for (const tlsKey of ['ec', 'rsa'] as const) {
      test(`handshakes with an ${tlsKey} key are counted as full without sessions, as resumed with them`, async t => {
        const target = await openTestTarget(t, { tls: stated, tlsKey, connectionClose: true });
        await createClient(t, target.endpoint, { maxCachedSessions: 0 }).askTimes(3);
        assert.deepEqual([target.read().handshakesFull, target.read().handshakesResumed], [3, 0]);
        await createClient(t, target.endpoint).askTimes(5);
        assert.deepEqual([target.read().handshakesFull, target.read().handshakesResumed], [4, 4]);
        await target.close();
        assert.deepEqual(target.read().requestsPerConnection, [{ requests: 1, connections: 8 }]);
      });
    }

    test('a failed handshake is an accepted connection, but no handshake', async t => {
      const target = await openTestTarget(t, { tls: stated });
      const { caPem: ca, origin } = target.endpoint;
      const attempts: [options: ConnectionOptions, code: RegExp][] = [
        [{ minVersion: other, maxVersion: other }, /PROTOCOL_VERSION/],
        [{ ALPNProtocols: ['h2'] }, /NO_APPLICATION_PROTOCOL/],
      ];
      for (const [options, code] of attempts) {
        const port = Number(new URL(origin).port);
        const socket = connect({ host: '127.0.0.1', port, ...(ca && { ca }), ...options });
        t.after(() => socket.destroy());
        await assert.rejects(once(socket, 'secureConnect'), { code });
      }
      const plain = connectRaw(t, target.endpoint).on('error', () => {});
      plain.end('GET / HTTP/1.1\r\nHost: t\r\n\r\n');
      await once(plain.resume(), 'close');
      await target.close();
      assert.deepEqual(target.read(), {
        accepted: 3,
        requests: 0,
        openConnections: 0,
        handshakesFull: 0,
        handshakesResumed: 0,
        acceptedHttp2: 0,
        requestsPerConnection: [{ requests: 0, connections: 3 }],
      });
    });
  });
}

test('close does not wait for a handshake that never comes', async t => {
  const target = await openTestTarget(t, { tls: '1.3' });
  const silent = connectRaw(t, target.endpoint).on('error', () => {});
  await once(silent, 'connect');
  const ended = once(silent.resume(), 'close');
  await target.close();
  await ended;
});

test('an rsa key has 2048 bits', async t => {
  const target = await openTestTarget(t, { tls: '1.3', tlsKey: 'rsa' });
  const { socket } = await createClient(t, target.endpoint).ask();
  const key = (socket as TLSSocket).getPeerX509Certificate()?.publicKey;
  assert.deepEqual([key?.asymmetricKeyType, key?.asymmetricKeyDetails?.modulusLength], ['rsa', 2048]);
});

test('each target has a certificate of its own', async t => {
  const [one, two] = await Promise.all([
    openTestTarget(t, { tls: '1.3' }),
    openTestTarget(t, { tls: '1.3' }),
  ]);
  assert.notEqual(one.endpoint.caPem, two.endpoint.caPem);
});
