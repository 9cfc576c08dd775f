// The target keeps the connection policy that a scenario states, and counts what really happened, over real sockets.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { describe, suite, test } from 'node:test';
import { type ConnectionOptions, connect, TLSSocket } from 'node:tls';
import { Target } from '../scenarios/model/target.ts';
import { openTarget } from './app.ts';
import type { BehaviourModule } from './behaviour.ts';
import fixed from './behaviours/fixed.ts';
import type { Endpoint } from './protocol.ts';
import { connectRaw, createClient, dialCount, readToEnd, type Scope } from './testing/client.ts';
import { answerTogether, openTestTarget } from './testing/target.ts';

describe('Under TLS the target speaks the version stated and only it, and counts full, resumed and failed handshakes apart', () => {
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
          faults: [],
          requestsPerConnection: [{ requests: 2, connections: 1 }],
          backends: [{ accepted: 1, requests: 2 }],
          growth: null,
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
          faults: [],
          requestsPerConnection: [{ requests: 0, connections: 3 }],
          backends: [{ accepted: 3, requests: 0 }],
          growth: null,
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
    const target = Target.parse({ tls: '1.3' });
    const open = () => openTarget({ target, behaviour: fixed, seed: 1 });
    const [one, two] = await Promise.all([open(), open()]);
    for (const { close } of [one, two]) t.after(close);
    assert.notEqual(one.endpoint.caPem, two.endpoint.caPem);
  });
});

describe('The target keeps the connection policy that a scenario states, and counts what really happened, over real sockets', () => {
  const GET = 'GET / HTTP/1.1\r\nHost: t\r\n\r\n';

  suite('keep-alive hint', () => {
    const cases = [
      { keepAliveHint: true, keepAliveTimeoutMs: 72_000, hint: 'timeout=72' },
      { keepAliveHint: true, keepAliveTimeoutMs: 2_999, hint: 'timeout=2' },
      { keepAliveHint: true, keepAliveTimeoutMs: 0, hint: undefined },
      { keepAliveHint: false, keepAliveTimeoutMs: 72_000, hint: undefined },
    ];
    for (const { hint, ...stated } of cases) {
      test(`${JSON.stringify(stated)} announces ${hint ?? 'nothing'} and keeps the connection`, async t => {
        const target = await openTestTarget(t, stated);
        const client = createClient(t, target.endpoint);
        for (const { headers } of await client.askTimes(3)) {
          assert.equal(headers['keep-alive'], hint);
          assert.equal(headers.connection, 'keep-alive');
        }
        assert.equal(client.openedConnections(), 1);
        assert.equal(target.read().accepted, 1);
      });
    }
  });

  suite('framing', () => {
    const cases = [
      { framing: undefined, length: '1024', coding: undefined, connections: 1 },
      { framing: 'length', length: '1024', coding: undefined, connections: 1 },
      { framing: 'chunked', length: undefined, coding: 'chunked', connections: 1 },
      { framing: 'close', length: undefined, coding: undefined, connections: 2 },
    ] as const;
    for (const { framing, length, coding, connections } of cases) {
      for (const keepAliveHint of [true, false]) {
        test(`${framing} (hint ${keepAliveHint}): the same body, on ${connections} connections`, async t => {
          const target = await openTestTarget(t, { framing, keepAliveHint });
          const client = createClient(t, target.endpoint);
          for (const { headers, body } of await client.askTimes(2)) {
            assert.deepEqual([headers['content-length'], headers['transfer-encoding']], [length, coding]);
            assert.equal(headers.connection, connections === 1 ? 'keep-alive' : 'close');
            assert.equal(body.length, 1_024);
          }
          assert.equal(client.openedConnections(), connections);
        });
      }
    }

    test('close: a long body is whole, too', async t => {
      const target = await openTestTarget(t, {
        framing: 'close',
        behaviour: { name: 'fixed', bytes: 1_000_000 },
      });
      const [{ body } = assert.fail()] = await createClient(t, target.endpoint).askTimes(1);
      assert.equal(body.length, 1_000_000);
    });
  });

  suite('end of a connection', () => {
    for (const keepAliveHint of [true, false]) {
      test(`connectionClose ends every connection after its answer (hint ${keepAliveHint})`, async t => {
        const target = await openTestTarget(t, { connectionClose: true, keepAliveHint });
        const client = createClient(t, target.endpoint);
        for (const { headers } of await client.askTimes(3)) {
          assert.equal(headers.connection, 'close');
          assert.equal(headers['keep-alive'], undefined);
        }
        assert.equal(client.openedConnections(), 3);
        await target.close();
        assert.deepEqual(target.read().requestsPerConnection, [{ requests: 1, connections: 3 }]);
      });

      test(`maxRequestsPerSocket is exact, its last answer says close (hint ${keepAliveHint})`, async t => {
        const target = await openTestTarget(t, { maxRequestsPerSocket: 3, keepAliveHint });
        const client = createClient(t, target.endpoint);
        const answers = await client.askTimes(7);
        const said = answers.map(({ status, headers }) => `${status} ${headers.connection}`);
        const round = ['200 keep-alive', '200 keep-alive', '200 close'];
        assert.deepEqual(said, [...round, ...round, '200 keep-alive']);
        assert.equal(client.openedConnections(), 3);
        await target.close();
        assert.deepEqual(target.read().requestsPerConnection, [
          { requests: 1, connections: 1 },
          { requests: 3, connections: 2 },
        ]);
      });

      test(`a client's Connection: close is honoured (hint ${keepAliveHint})`, async t => {
        const target = await openTestTarget(t, { keepAliveHint });
        const socket = connectRaw(t, target.endpoint);
        socket.write('GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n');
        assert.match(await readToEnd(socket), /\r\nConnection: close\r\n/);
      });
    }

    test('at maxRequestsPerSocket the server itself closes, and a request too many gets no answer, so no 503', async t => {
      const target = await openTestTarget(t, { maxRequestsPerSocket: 2 });
      const socket = connectRaw(t, target.endpoint);
      socket.write(GET.repeat(3));
      const text = await readToEnd(socket);
      assert.deepEqual(text.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 200']);
      assert.equal(target.read().requests, 2);
    });

    const oldClients = [
      { header: '', answers: 1 },
      { header: 'Connection: keep-alive\r\n', answers: 2 },
    ];
    for (const { header, answers } of oldClients) {
      test(`HTTP/1.0 with "${header.trim()}" and at most 2 requests a connection gets ${answers}`, async t => {
        const target = await openTestTarget(t, { maxRequestsPerSocket: 2 });
        const socket = connectRaw(t, target.endpoint);
        socket.write(`GET / HTTP/1.0\r\n${header}\r\n`.repeat(3));
        assert.equal((await readToEnd(socket)).match(/HTTP\/1\.1 200/g)?.length, answers);
      });
    }
  });

  suite('idle connections', () => {
    /** A connection that has had one answer; it sees `end` only if the server closes it. */
    async function askOnce(scope: Scope, endpoint: Endpoint): Promise<Socket> {
      const socket = connectRaw(scope, endpoint);
      socket.write(GET);
      await once(socket, 'data');
      return socket;
    }

    /** A connection to a plain server of Node that closes it after so long idle, exactly: what order is judged by. */
    async function askReference(scope: Scope, keepAliveTimeout: number): Promise<Socket> {
      const options = { keepAliveTimeout, keepAliveTimeoutBuffer: 0 };
      const server = http.createServer(options, (_, response) => response.end('reference'));
      scope.after(() => server.close());
      await once(server.listen(0, '127.0.0.1'), 'listening');
      const { port } = server.address() as AddressInfo;
      return askOnce(scope, { origin: `http://127.0.0.1:${port}`, path: '/' });
    }

    test('the server closes one after keepAliveTimeoutMs, without a grace of its own', async t => {
      const target = await openTestTarget(t, { keepAliveTimeoutMs: 50 });
      const [socket, reference] = await Promise.all([askOnce(t, target.endpoint), askReference(t, 600)]);
      const ends: string[] = [];
      socket.once('end', () => ends.push('50 ms'));
      reference.once('end', () => ends.push('600 ms'));
      await once(reference, 'end');
      assert.deepEqual(ends, ['50 ms', '600 ms']);
      assert.deepEqual(target.read().requestsPerConnection, [{ requests: 1, connections: 1 }]);
    });

    test('with keepAliveTimeoutMs 0 it never does', async t => {
      const target = await openTestTarget(t, { keepAliveTimeoutMs: 0 });
      const [socket, reference] = await Promise.all([askOnce(t, target.endpoint), askReference(t, 100)]);
      await once(reference, 'end');
      socket.write(GET);
      await once(socket, 'data');
      assert.equal(target.read().accepted, 1);
    });
  });

  suite('pipelined requests', () => {
    test('are all in flight at once', async t => {
      const { behaviour, peak } = answerTogether(10);
      const target = await openTestTarget(t, {}, behaviour);
      const socket = connectRaw(t, target.endpoint);
      socket.write(`${GET.repeat(9)}GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n`);
      assert.equal((await readToEnd(socket)).match(/HTTP\/1\.1 200/g)?.length, 10);
      assert.deepEqual([peak(), target.read().accepted], [10, 1]);
    });

    test('are answered in their order, whichever is ready first', async t => {
      const held: (() => void)[] = [];
      const behaviour: BehaviourModule = {
        ...fixed,
        createResponder: () => response => {
          const name = `answer ${held.length}`;
          held.push(() => response.end(name));
          if (held.length === 4) for (const answer of held.toReversed()) answer();
        },
      };
      const target = await openTestTarget(t, {}, behaviour);
      const socket = connectRaw(t, target.endpoint);
      socket.write(`${GET.repeat(3)}GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n`);
      assert.deepEqual((await readToEnd(socket)).match(/answer \d/g), [
        'answer 0',
        'answer 1',
        'answer 2',
        'answer 3',
      ]);
    });
  });

  suite('counters', () => {
    test('open connections, requests and what closed connections carried', async t => {
      const target = await openTestTarget(t);
      await once(connectRaw(t, target.endpoint), 'connect');
      await createClient(t, target.endpoint).askTimes(133);
      assert.deepEqual(target.read(), {
        accepted: 2,
        requests: 133,
        openConnections: 2,
        handshakesFull: 0,
        handshakesResumed: 0,
        acceptedHttp2: 0,
        faults: [],
        requestsPerConnection: [],
        backends: [{ accepted: 2, requests: 133 }],
        growth: null,
      });
      await target.close();
      assert.equal(target.read().openConnections, 0);
      assert.deepEqual(target.read().requestsPerConnection, [
        { requests: 0, connections: 1 },
        { requests: 130, connections: 1 },
      ]);
    });

    test('a request with a method that is not answered is counted too', async t => {
      const target = await openTestTarget(t);
      assert.equal((await createClient(t, target.endpoint).ask('/', { method: 'TRACE' })).status, 404);
      assert.equal(target.read().requests, 1);
    });

    test('many connections at once are all accepted and counted', async t => {
      const target = await openTestTarget(t);
      const client = createClient(t, target.endpoint, { maxSockets: 50, maxFreeSockets: 50 });
      for (let burst = 0; burst < 3; burst++)
        await Promise.all(Array.from({ length: 50 }, () => client.ask()));
      assert.equal(client.openedConnections(), 50);
      assert.equal(target.read().openConnections, 50);
      await target.close();
      const { requestsPerConnection } = target.read();
      assert.equal(
        requestsPerConnection.reduce((sum, { connections }) => sum + connections, 0),
        50,
      );
      assert.equal(
        requestsPerConnection.reduce((sum, { requests, connections }) => sum + requests * connections, 0),
        150,
      );
    });
  });

  test('while the server accepts none, as many connections as the backlog and one more are established', {
    skip: process.platform !== 'linux' && 'only Linux lists dials',
  }, async t => {
    const { endpoint } = await openTestTarget(t, { backlog: 2 });
    // The loop of this process, which would accept, does not turn in between.
    for (let dialled = 0; dialled < 7; dialled++) connectRaw(t, endpoint);
    await new Promise(process.nextTick);
    assert.equal(dialCount(endpoint), 4);
  });

  test('a target that accepts nothing leaves every dial without an answer', {
    skip: process.platform !== 'linux' && 'only Linux lists dials',
  }, async t => {
    const target = await openTestTarget(t, { accepts: false });
    const sockets = [connectRaw(t, target.endpoint), connectRaw(t, target.endpoint)];
    await new Promise(process.nextTick);
    assert.equal(dialCount(target.endpoint), 2);
    await target.close();
    assert.ok(sockets.every(({ connecting }) => connecting));
    assert.equal(target.read().accepted, 0);
  });

  test('close ends idle, busy and silent connections, and frees the port', async t => {
    const target = await openTestTarget(t);
    const idle = connectRaw(t, target.endpoint);
    const busy = connectRaw(t, target.endpoint);
    const silent = connectRaw(t, target.endpoint);
    const ended = [idle, busy, silent].map(socket => {
      return new Promise(resolve =>
        socket
          .resume()
          .on('error', () => {})
          .once('close', resolve),
      );
    });
    await Promise.all([idle, busy, silent].map(socket => once(socket, 'connect')));
    busy.write('POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 10\r\n\r\nhalf');
    idle.write(GET);
    await once(idle, 'data');
    await target.close();
    await Promise.all(ended);
    await assert.rejects(once(connectRaw(t, target.endpoint), 'connect'), { code: 'ECONNREFUSED' });
  });
});
