// Every connection that this process opens to the watched port is counted and timed, whichever library opens it; a failure is classified
// by what its connection had carried: nothing, whole answers before, or part of this one.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import http from 'node:http';
import https from 'node:https';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, type TestContext, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import tls from 'node:tls';
import type { Endpoint } from '../../servers/protocol.ts';
import { openTestTarget } from '../../servers/testing/target.ts';
import type { OpenedConnection } from '../contracts.ts';
import { type Evidence, NO_EVIDENCE } from './errors.ts';
import { ConnectionFailures, EndpointSockets } from './sockets.ts';
import { answerWith, openMisbehavingServer } from './testing/misbehaving-server.ts';

function watch(t: TestContext, endpoint: Endpoint) {
  const connections: OpenedConnection[] = [];
  const watched = new EndpointSockets(endpoint, connection => connections.push(connection));
  t.after(() => watched.stop());
  return Object.assign(watched, { connections });
}

async function dial(t: TestContext, { origin }: Endpoint) {
  const socket = connect(Number(new URL(origin).port), '127.0.0.1').on('error', () => {});
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** A server that accepts connections, reads nothing, and ends them on request. */
async function openServer(t: TestContext) {
  const server = createServer(socket => socket.on('error', () => {}));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.after(() => server.close());
  const { port } = server.address() as { port: number };
  return { server, endpoint: { origin: `http://127.0.0.1:${port}`, path: '/' } };
}

suite('client sockets', () => {
  test('a plain connection: counted once it is there, open until it is closed', async t => {
    const { endpoint } = await openServer(t);
    const watched = watch(t, endpoint);
    const socket = await dial(t, endpoint);
    const [{ connectMs, tlsMs, isResumed } = assert.fail('it was not seen'), ...others] = watched.connections;
    assert.ok(connectMs >= 0 && Number.isNaN(tlsMs) && !isResumed);
    assert.deepEqual([others, watched.openConnections(), watched.isReady(socket)], [[], 1, true]);
    socket.destroy();
    await once(socket, 'close');
    assert.deepEqual([watched.connections.length, watched.openConnections()], [1, 0]);
  });

  for (const version of ['1.2', '1.3'] as const) {
    test(`TLS ${version}: the handshake is timed, and a resumed one is distinguished from a full one`, async t => {
      const { endpoint } = await openTestTarget(t, { tls: version });
      const watched = watch(t, endpoint);
      const agent = new https.Agent({ ca: endpoint.caPem! });
      t.after(() => agent.destroy());
      for (const _ of [1, 2, 3]) {
        const [response] = await once(https.get(endpoint.origin, { agent }), 'response');
        await once(response.resume(), 'end');
      }
      assert.deepEqual(
        watched.connections.map(({ isResumed }) => isResumed),
        [false, true, true],
      );
      assert.ok(watched.connections.every(({ connectMs, tlsMs }) => connectMs >= 0 && tlsMs > 0));
    });
  }

  test('a handshake that fails makes no connection', async t => {
    const { endpoint } = await openTestTarget(t, { tls: '1.3' });
    const watched = watch(t, endpoint);
    const socket = tls.connect({ port: Number(new URL(endpoint.origin).port), host: '127.0.0.1' });
    await assert.rejects(once(socket, 'secureConnect'), { code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    assert.deepEqual([watched.connections.length, watched.openConnections()], [0, 0]);
  });

  test('other ports are counted apart, and nothing is once it is stopped', async t => {
    const [one, other] = [await openServer(t), await openServer(t)];
    const watched = watch(t, one.endpoint);
    await dial(t, other.endpoint);
    await fetch(other.endpoint.origin, { signal: AbortSignal.abort() }).catch(() => {});
    assert.deepEqual([watched.connections.length, watched.openedElsewhere()], [0, 1]);
    watched.stop();
    await dial(t, one.endpoint);
    await dial(t, other.endpoint);
    assert.deepEqual([watched.connections.length, watched.openedElsewhere()], [0, 1]);
  });

  test('so are a Unix socket, and the same port of another host', async t => {
    const { endpoint } = await openServer(t);
    const elsewhere = watch(t, { ...endpoint, address: '192.0.2.1' });
    const watched = watch(t, endpoint);
    await dial(t, endpoint);
    assert.deepEqual([elsewhere.openedElsewhere(), elsewhere.connections.length], [1, 0]);
    const dir = await mkdtemp(join(tmpdir(), 'conntax-sockets-'));
    t.after(() => rm(dir, { recursive: true }));
    const path = join(dir, 'socket');
    const server = createServer(socket => socket.on('error', () => {}));
    await once(server.listen(path), 'listening');
    t.after(() => server.close());
    const socket = connect(path);
    t.after(() => socket.destroy());
    await once(socket, 'connect');
    assert.deepEqual([watched.openedElsewhere(), watched.connections.length], [1, 1]);
  });

  test('a dial that fails is no connection elsewhere', async t => {
    const { endpoint } = await openServer(t);
    const { server, endpoint: gone } = await openServer(t);
    server.close();
    await once(server, 'close');
    const watched = watch(t, endpoint);
    await assert.rejects(dial(t, gone));
    assert.equal(watched.openedElsewhere(), 0);
  });

  test('an unhandled error stays unhandled', async t => {
    const { server, endpoint } = await openServer(t);
    watch(t, endpoint);
    const accepted = once(server, 'connection');
    const socket = connect(Number(new URL(endpoint.origin).port), '127.0.0.1');
    t.after(() => socket.destroy());
    await once(socket, 'connect');
    assert.equal(socket.listenerCount('error'), 0);
    (await accepted)[0].destroy();
  });

  test('closeAll ends what is open and what is dialled later; it waits for the end', async t => {
    const { endpoint } = await openServer(t);
    const watched = watch(t, endpoint);
    const sockets = [await dial(t, endpoint), await dial(t, endpoint)];
    await watched.closeAll();
    assert.ok(sockets.every(({ closed }) => closed));
    assert.equal(watched.openConnections(), 0);
    const late = connect(Number(new URL(endpoint.origin).port), '127.0.0.1');
    await once(late, 'close');
    await turn();
    assert.deepEqual([watched.connections.length, watched.openConnections()], [2, 0]);
  });

  test('closeAll of nothing is done at once', async t => {
    const { endpoint } = await openServer(t);
    await watch(t, endpoint).closeAll();
  });
});

const PART = 'HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly this much';
const HEAD = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';
const STALE: Evidence = { isReusedConnection: true, hasResponse: false };

/** Breaks the connection at its request `failing`, after `words`. */
async function breakingServer(
  t: TestContext,
  failing: number,
  isReset: boolean,
  words: string,
  isTls = false,
) {
  return openMisbehavingServer(
    t,
    ({ socket, raw, ofConnection }) => {
      if (ofConnection < failing) socket.write(answerWith('ok'));
      else if (words === '') isReset ? raw.resetAndDestroy() : socket.end();
      else socket.write(words, () => setImmediate(() => (isReset ? raw.resetAndDestroy() : socket.end())));
    },
    isTls,
  );
}

/** The error of the request that fails, after those that did not. */
function failureOf(ask: () => http.ClientRequest): Promise<Error> {
  return new Promise((resolve, reject) => {
    ask()
      .once('error', resolve)
      .once('response', (response: http.IncomingMessage) =>
        response
          .once('error', resolve)
          .once('end', () => setImmediate(() => failureOf(ask).then(resolve, reject)))
          .resume(),
      );
  });
}

suite('of a request of node:http', () => {
  const cases: [what: string, failing: number, words: string, expected: Evidence][] = [
    ['a new connection', 1, '', NO_EVIDENCE],
    ['one that had worked', 3, '', STALE],
    [
      'within the header, the first of its connection',
      1,
      'HTTP/1.1 2',
      { ...NO_EVIDENCE, hasResponse: true },
    ],
    ['within the header', 2, 'HTTP/1.1 2', { ...STALE, hasResponse: true }],
    ['within the body', 2, PART, { ...STALE, hasResponse: true }],
  ];
  for (const isTls of [false, true]) {
    for (const isReset of [true, false]) {
      for (const [what, failing, words, expected] of cases) {
        test(`${isTls ? 'TLS: ' : ''}${what}, ${isReset ? 'reset' : 'ended'}`, async t => {
          const server = await breakingServer(t, failing, isReset, words, isTls);
          const watched = new EndpointSockets(server.endpoint, () => {});
          t.after(() => watched.stop());
          const { caPem: ca } = server.endpoint;
          const agent = isTls
            ? new https.Agent({ keepAlive: true, maxSockets: 1, ca: ca! })
            : new http.Agent({ keepAlive: true, maxSockets: 1 });
          t.after(() => agent.destroy());
          const error = await failureOf(() => (isTls ? https : http).get(server.endpoint.origin, { agent }));
          assert.deepEqual(watched.brokenConnection([error]), expected, error.message);
          // As a library does that keeps nothing of the error.
          assert.deepEqual(watched.brokenConnection([new Error('it failed')]), expected, 'of the same turn');
          for (const _ of Array(5)) await new Promise(resolve => setImmediate(resolve)); // its end and its close
          assert.deepEqual(watched.brokenConnection([new Error('it failed')]), NO_EVIDENCE, 'of a later one');
        });
      }
    }
  }
});

suite('of sockets written to by hand', () => {
  /** Two connections to a server; `run` writes to them, and has them broken. */
  async function openPair(t: TestContext) {
    const peers: Socket[] = [];
    const server = await openMisbehavingServer(t, ({ socket }) => socket.write(answerWith('ok')));
    const failures = new ConnectionFailures();
    t.after(() => failures.stop());
    const sockets = [1, 2].map(() => {
      const socket = connect(Number(new URL(server.endpoint.origin).port), '127.0.0.1').on('error', () => {});
      failures.add(socket);
      t.after(() => socket.destroy());
      return socket;
    });
    await Promise.all(sockets.map(socket => once(socket, 'connect')));
    return { failures, sockets: sockets as [Socket, Socket], peers };
  }

  test('a request that is written before the last was answered: not known', async t => {
    const {
      failures,
      sockets: [socket],
    } = await openPair(t);
    socket.write(HEAD);
    socket.write(HEAD);
    await once(socket, 'data');
    const error = new Error('gone');
    socket.destroy(error);
    await new Promise(resolve => socket.once('close', resolve));
    assert.deepEqual(failures.evidenceOf([error]), NO_EVIDENCE);
  });

  test('two that break in one turn and tell two things: not known', async t => {
    const {
      failures,
      sockets: [used, fresh],
    } = await openPair(t);
    used.write(HEAD);
    await once(used, 'data');
    used.write(HEAD);
    fresh.write(HEAD);
    used.destroy(new Error('gone'));
    const error = new Error('gone');
    fresh.destroy(error);
    await new Promise(resolve => process.nextTick(() => process.nextTick(resolve)));
    assert.deepEqual(failures.evidenceOf([new Error('it failed')]), NO_EVIDENCE);
    assert.deepEqual(failures.evidenceOf(['words', undefined, null, error]), NO_EVIDENCE);
  });

  test('one that names the port of its connection is of that', async t => {
    const {
      failures,
      sockets: [used, fresh],
    } = await openPair(t);
    used.write(HEAD);
    await once(used, 'data');
    used.write(Buffer.from(HEAD));
    const { localPort } = used;
    used.destroy(new Error('gone'));
    fresh.destroy(new Error('gone'));
    await new Promise(resolve => process.nextTick(() => process.nextTick(resolve)));
    const error = Object.assign(new Error('other side closed'), { socket: { localPort } });
    assert.deepEqual(failures.evidenceOf([error]), STALE);
  });

  test('what is not the head of a request begins none', async t => {
    const {
      failures,
      sockets: [socket],
    } = await openPair(t);
    socket.write(`POST /a?b HTTP/1.1\r\nHost: a\r\n\r\n`);
    await once(socket, 'data');
    socket.write('more of the BODY / HTTP/1.1\r\n');
    const error = new Error('gone');
    socket.destroy(error);
    await new Promise(resolve => socket.once('close', resolve));
    assert.deepEqual(failures.evidenceOf([error]), { ...NO_EVIDENCE, hasResponse: true });
  });
});
