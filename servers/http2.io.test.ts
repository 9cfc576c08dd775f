// A target that offers HTTP/2 answers, limits, counts and closes as stated, and speaks HTTP/1.1 as well.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type ClientHttp2Session, type ClientHttp2Stream, connect } from 'node:http2';
import { suite, test } from 'node:test';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { eventually } from '../bench/run/testing/processes.ts';
import { UsageError } from '../results/errors.ts';
import type { BehaviourModule } from './behaviour.ts';
import fixed from './behaviours/fixed.ts';
import { behaviours } from './behaviours/index.ts';
import type { Endpoint } from './protocol.ts';
import { createClient, type Scope } from './testing/client.ts';
import { answerTogether, openTestTarget } from './testing/target.ts';

const H2 = { protocol: 'h2', tls: '1.3' } as const;

async function openSession(scope: Scope, { origin, caPem }: Endpoint): Promise<ClientHttp2Session> {
  const session = connect(origin, { ca: caPem!, settings: { enablePush: false } });
  scope.after(() => session.destroy());
  session.on('error', () => {});
  await once(session, 'remoteSettings');
  return session;
}

async function answerOf(stream: ClientHttp2Stream) {
  const [headers] = await once(stream, 'response');
  const chunks: Buffer[] = await stream.toArray();
  return { headers, body: Buffer.concat(chunks) };
}

suite('protocol', () => {
  test('h2 is chosen where the client offers both, HTTP/1.1 where it offers only that', async t => {
    const target = await openTestTarget(t, H2);
    const session = await openSession(t, target.endpoint);
    assert.equal((session.socket as TLSSocket).alpnProtocol, 'h2');
    assert.equal((await answerOf(session.request())).headers[':status'], 200);
    const client = createClient(t, target.endpoint, { ALPNProtocols: ['http/1.1'] });
    for (const { headers } of await client.askTimes(3))
      assert.deepEqual([headers.connection, headers['keep-alive']], ['keep-alive', 'timeout=72']);
    await target.close();
    assert.deepEqual(target.read(), {
      accepted: 2,
      requests: 4,
      openConnections: 0,
      handshakesFull: 2,
      handshakesResumed: 0,
      acceptedHttp2: 1,
      faults: [],
      requestsPerConnection: [
        { requests: 1, connections: 1 },
        { requests: 3, connections: 1 },
      ],
      backends: [{ accepted: 2, requests: 4 }],
      growth: null,
    });
  });

  test('without TLS it is refused, with the reason', async t => {
    await assert.rejects(openTestTarget(t, { protocol: 'h2' }), (error: Error) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.message, /needs TLS/);
      return true;
    });
  });

  test('an answer has no header of HTTP/1.1 connections, and nothing warns of one', async t => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on('warning', onWarning);
    t.after(() => process.off('warning', onWarning));
    const target = await openTestTarget(t, { ...H2, keepAliveHint: false });
    const { headers } = await answerOf((await openSession(t, target.endpoint)).request());
    assert.deepEqual(Object.keys(headers).sort(), [':status', 'content-length', 'content-type', 'date']);
    await new Promise(resolve => setImmediate(resolve));
    assert.deepEqual(warnings, []);
  });
});

suite('streams', () => {
  test('a thousand requests are one connection, a hundred of them at once', async t => {
    const { behaviour, peak } = answerTogether(100);
    const target = await openTestTarget(t, H2, behaviour);
    const session = await openSession(t, target.endpoint);
    for (let round = 0; round < 10; round++) {
      await Promise.all(Array.from({ length: 100 }, () => answerOf(session.request())));
    }
    assert.equal(peak(), 100);
    assert.equal(target.read().openConnections, 1);
    await target.close();
    const { accepted, requests, handshakesFull, requestsPerConnection } = target.read();
    assert.deepEqual([accepted, requests, handshakesFull], [1, 1_000, 1]);
    assert.deepEqual(requestsPerConnection, [{ requests: 1_000, connections: 1 }]);
  });

  for (const maxConcurrentStreams of [1, 7, 100]) {
    test(`maxConcurrentStreams ${maxConcurrentStreams} is announced, and kept by a client that obeys`, async t => {
      const { behaviour, peak } = answerTogether(maxConcurrentStreams);
      const target = await openTestTarget(t, { ...H2, maxConcurrentStreams }, behaviour);
      const session = await openSession(t, target.endpoint);
      assert.equal(session.remoteSettings.maxConcurrentStreams, maxConcurrentStreams);
      const asked = Array.from({ length: 3 * maxConcurrentStreams }, () => answerOf(session.request()));
      await Promise.all(asked);
      assert.equal(peak(), maxConcurrentStreams);
    });
  }

  test('a hundred long answers at once are all served, however slowly they are read', async t => {
    const bytes = 1_000_000;
    const target = await openTestTarget(t, { ...H2, behaviour: { name: 'fixed', bytes } });
    const session = await openSession(t, target.endpoint);
    const answers = await Promise.all(Array.from({ length: 100 }, () => answerOf(session.request())));
    assert.deepEqual(
      answers.map(({ body }) => body.length),
      Array(100).fill(bytes),
    );
  });

  const shapes = {
    fixed: [{ bytes: 0 }, { bytes: 1 }, { bytes: 100_000 }],
    delay: [{ bytes: 10, meanMs: 1 }],
    stream: [{ chunks: 3, chunkBytes: 50_000, intervalMs: 1 }],
  } as const;
  for (const [name, cases] of Object.entries(shapes)) {
    for (const options of cases) {
      test(`behaviour ${name} ${JSON.stringify(options)} answers GET and POST in full`, async t => {
        const { default: behaviour } = await behaviours[name as keyof typeof behaviours]();
        const target = await openTestTarget(t, { ...H2, behaviour: { name, ...options } }, behaviour);
        const session = await openSession(t, target.endpoint);
        const post = session.request({ ':method': 'POST', ':path': '/any?q' });
        post.end('x'.repeat(70_000));
        const answers = [await answerOf(post), await answerOf(session.request())];
        const bytes = 'chunks' in options ? options.chunks * options.chunkBytes : options.bytes;
        for (const { headers, body } of answers)
          assert.deepEqual([headers[':status'], body.length], [200, bytes]);
        assert.equal(target.read().accepted, 1);
      });
    }
  }

  test('when a stream is reset, its pending answer ends and the connection stays', async t => {
    const closed = Promise.withResolvers<void>();
    let asked = 0;
    const behaviour: BehaviourModule = {
      ...fixed,
      createResponder: () => response => {
        if (asked++ === 0) response.once('close', closed.resolve);
        else response.end();
      },
    };
    const target = await openTestTarget(t, H2, behaviour);
    const session = await openSession(t, target.endpoint);
    const given = session.request().on('error', () => {});
    await eventually('it has arrived', () => asked === 1);
    given.close(8);
    await closed.promise;
    assert.equal((await answerOf(session.request())).headers[':status'], 200);
    assert.deepEqual([target.read().requests, target.read().openConnections], [2, 1]);
  });
});

suite('end of a connection', () => {
  /** Asks once and waits for the answer, after which the session is idle. */
  async function openUsed(scope: Scope, endpoint: Endpoint): Promise<ClientHttp2Session> {
    const session = await openSession(scope, endpoint);
    await answerOf(session.request());
    return session;
  }

  test('an idle session is closed with a GOAWAY after keepAliveTimeoutMs, one with a request in flight is not', async t => {
    const held: (() => void)[] = [];
    let asked = 0;
    const behaviour: BehaviourModule = {
      ...fixed,
      createResponder: () => response => {
        asked++;
        if (asked === 3) held.push(() => response.end());
        else response.end();
      },
    };
    // Long against the pause of a busy machine between two requests of a session.
    const target = await openTestTarget(t, { ...H2, keepAliveTimeoutMs: 300 }, behaviour);
    const idle = await openUsed(t, target.endpoint);
    const closing = once(idle, 'goaway'); // which may come before the next session is open
    const busy = await openUsed(t, target.endpoint);
    const answer = answerOf(busy.request());
    const [code] = await closing;
    assert.equal(code, 0);
    await eventually('it is closed', () => target.read().openConnections === 1);
    // Another whole idle time, by a session that is closed at its end.
    await once(await openUsed(t, target.endpoint), 'goaway');
    assert.equal(held.length, 1);
    held[0]!();
    assert.equal((await answer).headers[':status'], 200);
    await once(busy, 'goaway');
    await eventually('all are closed', () => target.read().openConnections === 0);
    assert.deepEqual(target.read().requestsPerConnection, [
      { requests: 1, connections: 2 },
      { requests: 2, connections: 1 },
    ]);
  });

  test('with keepAliveTimeoutMs 0 it never is', async t => {
    const forever = await openTestTarget(t, { ...H2, keepAliveTimeoutMs: 0 });
    const brief = await openTestTarget(t, { ...H2, keepAliveTimeoutMs: 100 });
    const kept = await openUsed(t, forever.endpoint);
    await once(await openUsed(t, brief.endpoint), 'goaway');
    await answerOf(kept.request());
    assert.equal(forever.read().accepted, 1);
  });

  test('an idle connection of HTTP/1.1 is closed too, after the same time', async t => {
    const target = await openTestTarget(t, { ...H2, keepAliveTimeoutMs: 50 });
    const { origin, caPem } = target.endpoint;
    const port = Number(new URL(origin).port);
    const socket = connectTls({ host: '127.0.0.1', port, ca: caPem!, ALPNProtocols: ['http/1.1'] });
    t.after(() => socket.destroy());
    socket.write('GET / HTTP/1.1\r\nHost: t\r\n\r\n');
    await once(socket.resume(), 'end');
    await eventually('the target has seen it too', () => target.read().openConnections === 0);
    assert.deepEqual(target.read().requestsPerConnection, [{ requests: 1, connections: 1 }]);
  });

  test('close ends idle and busy sessions, and all are counted', async t => {
    const { behaviour, peak } = answerTogether(3);
    const target = await openTestTarget(t, H2, behaviour);
    const sessions = [await openSession(t, target.endpoint), await openSession(t, target.endpoint)];
    const ended = sessions.map(session => once(session, 'close'));
    for (const stream of [sessions[0]!.request(), sessions[0]!.request()]) stream.on('error', () => {});
    await eventually('both requests have arrived', () => peak() === 2);
    await target.close();
    await Promise.all(ended);
    assert.deepEqual(target.read().requestsPerConnection, [
      { requests: 0, connections: 1 },
      { requests: 2, connections: 1 },
    ]);
  });
});
